"""The design of the article "FastAPIでrefresh tokenを実装してみた" (https://zenn.dev/tnakano), in our words: both tokens are JWTs of
user and expiry; a refresh looks up the user and issues two new ones. No token is stored, so none can be revoked."""

from datetime import datetime, timedelta, timezone

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from passlib.context import CryptContext
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

SECRET_KEY = "the secret of the article"
ALGORITHM = "HS256"
ACCESS_TTL = timedelta(minutes=30)
REFRESH_TTL = timedelta(days=7)

engine = create_engine("sqlite:///./article.sqlite", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
passwords = CryptContext(schemes=["bcrypt"], bcrypt__rounds=12)
bearer = OAuth2PasswordBearer(tokenUrl="login")
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String, unique=True)
    password = Column(String)


def database():
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


def create_token(user: User, lifetime: timedelta) -> str:
    claims = {"sub": str(user.id), "exp": datetime.now(timezone.utc) + lifetime}
    return jwt.encode(claims, SECRET_KEY, algorithm=ALGORITHM)


def token_pair(user: User) -> dict:
    return {
        "access_token": create_token(user, ACCESS_TTL),
        "refresh_token": create_token(user, REFRESH_TTL),
        "token_type": "bearer",
    }


def user_of(token: str, session: Session) -> User:
    try:
        claims = jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError:
        raise HTTPException(401)
    user = session.get(User, int(claims["sub"]))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/open")
def open_route():
    return {"hello": "world"}


@app.get("/guarded")
def guarded(token: str = Depends(bearer), session: Session = Depends(database)):
    user_of(token, session)
    return {"hello": "world"}


@app.post("/register")
def register(form: OAuth2PasswordRequestForm = Depends(), session: Session = Depends(database)):
    session.add(User(name=form.username, password=passwords.hash(form.password)))
    session.commit()
    return {}


@app.post("/login")
def login(form: OAuth2PasswordRequestForm = Depends(), session: Session = Depends(database)):
    user = session.query(User).filter(User.name == form.username).first()
    if user is None or not passwords.verify(form.password, user.password):
        raise HTTPException(401)
    return token_pair(user)


@app.post("/refresh")
def refresh(token: str, session: Session = Depends(database)):
    return token_pair(user_of(token, session))


if __name__ == "__main__":
    Base.metadata.create_all(engine)
    uvicorn.run(app, host="127.0.0.1", port=0, access_log=False)
