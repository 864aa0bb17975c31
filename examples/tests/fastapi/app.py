"""An application that reads its URL when it starts."""

import os
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    async with await psycopg.AsyncConnection.connect(
        os.environ["DATABASE_URL"], autocommit=True
    ) as app.state.connection:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/users/{name}")
async def create(name: str):
    connection = app.state.connection
    await connection.execute("INSERT INTO users (name) VALUES (%s)", (name,))
    count = await connection.execute("SELECT count(*) FROM users")
    return {"users": (await count.fetchone())[0]}
