-- The same request again and again.
wrk.method = os.getenv("METHOD")
wrk.path = os.getenv("PATH_NAME")
wrk.body = os.getenv("BODY")
