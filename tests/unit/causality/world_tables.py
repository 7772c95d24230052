"""DynamoDB in the world: calls that write items, and the records that its streams deliver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.unit.causality.world_calls import ACCOUNT, REGION, Call, Event, metadata

if TYPE_CHECKING:
    from tests.unit.causality.world import Origin, Run, World


def put_item(world: World, run: Run) -> Call:
    item = _item(world)

    def take_effect(origin: Origin | None) -> Event:
        _write(world, run, "orders", item, origin)
        return metadata(world)

    return Call("dynamodb", "PutItem", {"TableName": "orders", "Item": item}, take_effect)


def update_item(world: World, run: Run) -> Call:
    key = {"id": _item(world)["id"]}
    value = {"N": str(world.random.randrange(world.options.contents))}
    whole = world.chance(0.3)

    def take_effect(origin: Origin | None) -> Event:
        before = world.items.get(("orders", json.dumps(key)), key)
        image = {**before, "v": value}
        _write(world, run, "orders", image, origin)
        return {**metadata(world), **({"Attributes": image} if whole else {})}

    params = {"TableName": "orders", "Key": key, "UpdateExpression": "SET v = :v"}
    if whole:
        params["ReturnValues"] = "ALL_NEW"
    return Call("dynamodb", "UpdateItem", params, take_effect)


def delete_item(world: World, run: Run) -> Call:
    key = {"id": _item(world)["id"]}

    def take_effect(origin: Origin | None) -> Event:
        _write(world, run, "orders", key, origin, delete=True)
        return metadata(world)

    return Call("dynamodb", "DeleteItem", {"TableName": "orders", "Key": key}, take_effect)


def batch_write_item(world: World, run: Run) -> Call:
    requests: list[Event] = []
    seen = set()
    for _ in range(world.random.randint(1, 4)):
        item = _item(world)
        if item["id"]["S"] in seen:
            continue
        seen.add(item["id"]["S"])
        put = {"PutRequest": {"Item": item}}
        requests.append(
            put if world.chance(0.7) else {"DeleteRequest": {"Key": {"id": item["id"]}}}
        )

    def take_effect(origin: Origin | None) -> Event:
        for request in requests:
            if "PutRequest" in request:
                _write(world, run, "orders", request["PutRequest"]["Item"], origin)
            else:
                _write(world, run, "orders", request["DeleteRequest"]["Key"], origin, delete=True)
        return metadata(world)

    return Call("dynamodb", "BatchWriteItem", {"RequestItems": {"orders": requests}}, take_effect)


def transact_write_items(world: World, run: Run) -> Call:
    put = _item(world)
    other = _item(world)
    entries: list[Event] = [{"Put": {"TableName": "orders", "Item": put}}]
    if other["id"] != put["id"]:
        kind = world.random.choice(["Update", "Delete", "ConditionCheck"])
        entries.append({kind: {"TableName": "orders", "Key": {"id": other["id"]}}})

    def take_effect(origin: Origin | None) -> Event:
        for entry in world.random.sample(entries, len(entries)):
            if "Put" in entry:
                _write(world, run, "orders", put, origin)
            elif "Update" in entry:
                _write(world, run, "orders", {"id": other["id"], "n": {"N": "1"}}, origin)
            elif "Delete" in entry:
                _write(world, run, "orders", {"id": other["id"]}, origin, delete=True)
        return metadata(world)

    return Call("dynamodb", "TransactWriteItems", {"TransactItems": entries}, take_effect)


def _item(world: World) -> Event:
    return {
        "id": {"S": f"k{world.random.randrange(world.options.keys)}"},
        "v": {"N": str(world.random.randrange(world.options.contents))},
    }


def _write(
    world: World,
    run: Run,
    table: str,
    image: Event,
    origin: Origin | None,
    *,
    delete: bool = False,
) -> None:
    """Change an item; a change that changes nothing makes no record."""
    place = (table, json.dumps({"id": image["id"]}))
    before = world.items.get(place)
    if delete:
        if before is None:
            return
        del world.items[place]
    elif before == image:
        return
    else:
        world.items[place] = image
    name = "REMOVE" if delete else "INSERT" if before is None else "MODIFY"
    change: Event = {
        "ApproximateCreationDateTime": int(world.now_s),
        "Keys": {"id": image["id"]},
        "SequenceNumber": str(world.number()),
    }
    if not delete:
        change["NewImage"] = image
    record = {
        "eventID": world.id(),
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/2026",
    }
    world.deliver(f"table:{table}", record, origin, run.depth + 1, batch=4)
