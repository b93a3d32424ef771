-- The same POST again and again: what BODY says, to where PATH_NAME says.
wrk.method = "POST"
wrk.path = os.getenv("PATH_NAME")
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"
