from fastapi import FastAPI
from pydantic import BaseModel

import demistomock as demisto

app = FastAPI()


class Case(BaseModel):
    name: str


demisto.results("started")
