"""A server that speaks Snowflake's protocol on a port of this machine: fakesnow, which runs SQL on DuckDB.

It runs in an environment of its own (`make warehouses`). What fakesnow leaves out, and the tap needs, is added here:
fields of the login that version 5 of the connector asks for, a wrong password, ALTER SESSION (without effect),
MD5_NUMBER_UPPER64, and cancelling.
"""

from __future__ import annotations

import gzip
import json
import sys
import uuid
from typing import TYPE_CHECKING, Any

import fakesnow.server as fake
import uvicorn
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

PASSWORD = "snow"
seen: dict[str, list[Any]] = {"logins": [], "statements": []}
cancelled: set[str] = set()


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON of a request; starlette keeps the bytes for the next reader."""
    body = await request.body()
    unpacked = gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body
    return dict(json.loads(unpacked))


def refusal(code: str, state: str, message: str) -> JSONResponse:
    """Return an error as Snowflake writes it."""
    data = {"errorCode": code, "sqlState": state, "queryId": str(uuid.uuid4())}
    return JSONResponse({"data": data, "code": code, "message": message, "success": False})


async def log_in(request: Request) -> JSONResponse:
    """Check the password and complete fakesnow's answer."""
    given = (await body_of(request))["data"]
    seen["logins"].append(given.get("SESSION_PARAMETERS"))
    if given.get("PASSWORD") != PASSWORD:
        return refusal("390100", "08001", "Incorrect username or password was specified.")
    answer = json.loads((await fake.login_request(request)).body)
    session = fake.sessions[answer["data"]["token"]]
    session.nop_regexes = ["ALTER SESSION SET"]
    digits = "CAST('0x' || substr(md5(x), 1, 16) AS UBIGINT)"
    session._duck_conn.execute(f"CREATE OR REPLACE TEMP MACRO m_d5_number_upper64(x) AS {digits}")
    answer["data"].update(masterToken="m", validityInSeconds=3600, masterValidityInSeconds=14400, sessionId=7)
    return JSONResponse(answer)


async def query(request: Request) -> JSONResponse:
    """Run a statement, or break off the one that the session runs."""
    statement = (await body_of(request))["sqlText"]
    seen["statements"].append(statement)
    token = fake.to_token(request)
    if "SYSTEM$CANCEL_ALL_QUERIES" in statement:
        cancelled.add(token)
        fake.sessions[token]._duck_conn.interrupt()
        return JSONResponse({"success": True, "data": ONE_TEXT})
    answer = await fake.query_request(request)
    if answer.status_code == 500 and token in cancelled:
        return refusal("000604", "57014", "SQL execution canceled")
    return answer


ONE_TEXT = {
    "rowtype": [{"name": "S", "type": "text", "nullable": True, "length": 99, "byteLength": 99}],
    "queryResultFormat": "json",
    "rowset": [["1 cancelled."]],
    "total": 1,
    "returned": 1,
    "queryId": str(uuid.uuid4()),
    "statementTypeId": 4096,
    "parameters": [],
}


async def execute(request: Request) -> JSONResponse:
    """Run statements of a test (`database`, `statements`); return the rows of the last one, or an object on errors."""
    given = await request.json()
    cursor = fake.shared_fs.connect(given["database"], "PUBLIC").cursor()
    try:
        for statement in given["statements"]:
            cursor.execute(statement)
    except Exception as error:  # noqa: BLE001 - of any kind: the test shows it
        return JSONResponse({"failed": statement, "error": f"{type(error).__name__}: {error}"})
    return JSONResponse([[str(value) for value in row] for row in cursor.fetchall()])


async def report(_: Request) -> JSONResponse:
    """Tell what clients have sent."""
    return JSONResponse(seen)


OURS = {"/session/v1/login-request": log_in, "/queries/v1/query-request": query}


def main(port: int) -> None:
    """Serve until the process is stopped."""
    routes = fake.app.router.routes
    for position, route in enumerate(routes):
        if isinstance(route, Route) and route.path in OURS:
            routes[position] = Route(route.path, OURS[route.path], methods=["POST"])
    routes += [Route("/test/execute", execute, methods=["POST"]), Route("/test/report", report)]
    uvicorn.run(fake.app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
