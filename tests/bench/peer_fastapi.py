"""The reference design that users come from: FastAPI and pydantic on uvicorn, telemetry kept in a dictionary."""
from datetime import datetime

from fastapi import FastAPI, Response
from pydantic import BaseModel, Field

app = FastAPI()
latest = {}


class Sample(BaseModel):
    seq: int
    boot_id: str = Field(min_length=32, max_length=32)
    time: datetime
    cpu: float = Field(ge=0, le=100)
    mem: float = Field(ge=0, le=100)
    disk: float = Field(ge=0, le=100)
    temp: float = Field(ge=-60, le=150)


@app.post("/v1/telemetry", status_code=204)
async def telemetry(sample: Sample):
    latest[sample.boot_id] = sample
    return Response(status_code=204)


@app.get("/healthz", status_code=204)
async def healthz():
    return Response(status_code=204)
