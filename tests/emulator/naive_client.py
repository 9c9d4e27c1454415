"""A bot as bots are often written at first: believes every answer, counts in floats, checks nothing.

Each habit is one that real bots had. It exists to be broken: the tests hold what it believes against the venue's books.
"""

import asyncio
import base64
import json
import time
import uuid
from contextlib import suppress

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PATIENCE = 0.6  # seconds of wall time until a trading request counts as failed
WEEK = 604_800


def base58(raw):
    n, text = int.from_bytes(raw), ""
    while n:
        n, digit = divmod(n, 58)
        text = ALPHABET[digit] + text
    return text


class NaiveClient:
    def __init__(self, url):
        self.url = url
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.address = base58(self.public)
        self.token = None
        self.expires = 0
        self.working = {}  # client id -> what we think rests
        self.pending = {}  # request id -> [method, client id, seen accepted]
        self.known = set()  # venue ids of our orders
        self.position = 0.0  # sum of trade frames
        self.told_position = 0.0  # last position frame
        self.unique = {}  # (order, price, qty) -> signed qty, a home-made protection from duplicates
        self.fills = 0
        self.bid = self.ask = self.mark = None
        self.seq = 0
        self.venue_time = None
        self.adopted = []
        self.history = None
        self.rows = None
        self.received = 0
        self.stream = self.api = None
        self.readers = []
        self.crash = None
        self.http = aiohttp.ClientSession(url)

    async def stop(self):
        for reader in self.readers:
            reader.cancel()
        await asyncio.gather(*self.readers, return_exceptions=True)
        for socket in (self.stream, self.api):
            if socket is not None:
                await socket.close()
        await self.http.close()

    # talking

    def headers(self, body):
        request_id, stamp = str(uuid.uuid4()), str(int(time.time() * 1000))
        signature = self.key.sign(f"v1,{request_id},{stamp},{body}".encode())
        return {
            "x-request-sign-version": "v1",
            "x-request-id": request_id,
            "x-request-timestamp": stamp,
            "x-request-signature": base64.b64encode(signature).decode(),
        }

    async def post(self, path, body):
        text = json.dumps(body)
        headers = {"Authorization": f"Bearer {self.token}"} | self.headers(text)
        patience = aiohttp.ClientTimeout(total=PATIENCE)
        async with self.http.post(path, data=text, headers=headers, timeout=patience) as reply:
            answer = await reply.json()
            return reply.status == 200 and answer["code"] == 0

    async def get(self, path):
        async with self.http.get(path, headers={"Authorization": f"Bearer {self.token}"}) as reply:
            return reply.status, await reply.json()

    async def login(self):
        asked = {"address": self.address, "requestId": self.address}
        async with self.http.post("/v1/offchain/prepare-signin?chain=solana", json=asked) as reply:
            signed = (await reply.json())["signedData"]
        middle = signed.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "==="))
        message = claims["message"].encode()
        output = {
            "signedMessage": list(message),
            "signature": list(self.key.sign(message)),
            "account": {"publicKey": list(self.public)},
        }
        packed = base64.b64encode(json.dumps({"input": claims, "output": output}).encode()).decode()
        body = {"signature": packed, "signedData": signed, "expiresSeconds": WEEK}
        async with self.http.post("/v1/offchain/login?chain=solana", json=body) as reply:
            self.token = (await reply.json())["token"]
        self.expires = time.time() + WEEK  # it asked for a week

    async def connect(self):
        self.stream = await self.http.ws_connect("/ws-stream/v1")
        self.api = await self.http.ws_connect("/ws-api/v1")
        self.readers = [
            asyncio.create_task(self.read(self.stream, self.on_stream)),
            asyncio.create_task(self.read(self.api, self.on_api)),
        ]
        channels = [{"channel": name} for name in ("order", "trade", "position")]
        await self.stream.send_json({"auth": {"token": self.token, "streams": channels}})
        for name in ("depth_book", "price"):
            await self.stream.send_json({"subscribe": {"channel": name, "symbol": "BTC-USD"}})
        await self.send("auth:login", {"token": self.token}, None)

    async def send(self, method, params, client_id):
        request_id, text = str(uuid.uuid4()), json.dumps(params)
        self.pending[request_id] = [method, client_id, False]
        frame = {"session_id": "naive", "request_id": request_id, "method": method, "params": text}
        await self.api.send_json(frame | {"header": self.headers(text)})

    async def read(self, socket, handler):
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.received += 1
                    handler(json.loads(message.data))
        except Exception as error:  # what a bot without supervision dies of, kept for the verdict
            self.crash = error

    # hearing

    def on_stream(self, frame):
        if "seq" in frame:
            if frame["seq"] != self.seq + 1:
                raise RuntimeError(f"lost frames between {self.seq} and {frame['seq']}")
            self.seq = frame["seq"]
        {
            "auth": self.on_auth,
            "order": self.on_order,
            "trade": self.on_trade,
            "position": self.on_position,
            "depth_book": self.on_book,
            "price": self.on_price,
        }[frame["channel"]](frame["data"])

    def on_auth(self, data):
        if data["code"] != 200:
            raise RuntimeError("not logged in")

    def on_order(self, order):
        self.known.add(order["id"])
        if order["status"] in ("filled", "canceled"):
            self.working.pop(order["cl_ord_id"], None)

    def on_trade(self, trade):
        if trade["order_id"] not in self.known:
            return  # somebody else's
        signed = float(trade["qty"]) * (1 if trade["side"] == "buy" else -1)
        self.position += signed
        self.unique[trade["order_id"], trade["price"], trade["qty"]] = signed
        self.fills += 1

    def on_position(self, position):
        self.told_position = float(position["qty"])

    def on_book(self, book):
        self.bid, self.ask = float(book["bids"][0][0]), float(book["asks"][0][0])  # surely the best come first
        self.decimals = len(book["bids"][0][0].partition(".")[2])
        self.tightness = 1 / (self.ask - self.bid)

    def on_price(self, price):
        self.mark = float(price["mark_price"])
        self.venue_time = price["time"]

    def on_api(self, frame):
        entry = self.pending[frame["request_id"]]
        method, client_id, accepted = entry
        if frame.get("status") == "accepted":
            entry[2] = True
            if method == "order:cancel":
                self.working.pop(client_id, None)  # accepted is as good as done
            return
        if frame["code"] == 0 and method != "auth:login":
            assert accepted, "success before accepted"
            if method == "order:new":
                self.working[client_id] = "api"
        del self.pending[frame["request_id"]]

    # trading

    @staticmethod
    def order(client_id, side, qty, price, tif="alo"):
        body = {"symbol": "BTC-USD", "side": side, "order_type": "limit", "qty": qty, "price": price}
        return body | {"time_in_force": tif, "reduce_only": False, "cl_ord_id": client_id}

    async def place(self, client_id, side, qty, price, tif="alo"):
        """Over REST; what fails is sent again under a new name, once."""
        for name in (client_id, f"{client_id}-again"):
            try:
                if await self.post("/api/new_order", self.order(name, side, qty, price, tif)):
                    if tif == "alo":
                        self.working[name] = "rest"
                    return
            except (aiohttp.ClientError, TimeoutError):
                continue

    async def place_api(self, client_id, side, qty, price):
        await self.send("order:new", self.order(client_id, side, qty, price), client_id)

    async def cancel(self, client_id):
        with suppress(aiohttp.ClientError, TimeoutError):
            await self.post("/api/cancel_order", {"cl_ord_id": client_id})
        self.working.pop(client_id, None)  # an error means that it was gone already

    async def cancel_api(self, client_id):
        await self.send("order:cancel", {"cl_ord_id": client_id}, client_id)

    async def check(self, client_id, side, qty, price):
        """Not found means not placed: place it again."""
        if (await self.get(f"/api/query_order?cl_ord_id={client_id}"))[0] == 404:
            await self.place(f"{client_id}-lost", side, qty, price)

    async def look_around(self):
        """The lists of the venue are the truth."""
        self.adopted = [row["cl_ord_id"] for row in (await self.get("/api/query_open_orders"))[1]["result"]]
        self.history = len((await self.get("/api/query_trades"))[1]["result"])

    async def look_for_position(self):
        self.rows = len((await self.get("/api/query_positions"))[1])
