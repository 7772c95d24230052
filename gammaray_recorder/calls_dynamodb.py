"""What DynamoDB's calls write: keys and hashes of items, never items."""

from __future__ import annotations

from hashlib import sha256

from gammaray_recorder import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

    from gammaray_recorder.invocation import Invocation

    Parameters = Mapping[str, Any]
    Output = Dict[str, Any]
    Place = Tuple[Invocation, str]

# Attributes of a put whose hashes are kept to be compared with the key, which nobody tells us.
# People write the key first; an item of more attributes than this is matched by its hash.
_HASHED_ATTRIBUTES = 16
_KEY_LIMIT = 2048  # bytes: DynamoDB's own limit for a partition key
_RESOURCE_LIMIT = 512


def resource_of(params: Parameters, place: Place) -> Optional[str]:
    """Name the table that a call works on; of several tables all, with commas."""
    table = params.get("TableName")
    if isinstance(table, str):
        return table_name(table)
    names: Any = params.get("RequestItems")  # the requests by their tables
    items = params.get("TransactItems")
    if isinstance(items, list):
        parts = [part for entry in items for part in entry.values()]
        names = [part["TableName"] for part in parts if "TableName" in part]
    elif not isinstance(names, dict):
        statements = [params.get("Statement")]
        for name in ("Statements", "TransactStatements"):
            statements += [entry.get("Statement") for entry in params.get(name) or ()]
        if not any(statements):
            return None
        from gammaray_recorder import partiql  # few functions speak it

        names = filter(None, map(partiql.table_of, statements))
    tables = dict.fromkeys(map(table_name, names))
    return ", ".join(tables)[:_RESOURCE_LIMIT] or None


def _put_item(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return [_placed(put_output(params["TableName"], params["Item"]), params["TableName"], place)]


def _update_item(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    output = _keyed(params["TableName"], params["Key"], place)
    if params.get("ReturnValues") == "ALL_NEW" and response.get("Attributes"):
        output[wire.HASH] = wire.item_hash(response["Attributes"])
    return [output]


def _delete_item(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return [_keyed(params["TableName"], params["Key"], place)]


def _batch_write_item(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    unprocessed = response.get("UnprocessedItems") or {}
    outputs = []
    for table, requests in params["RequestItems"].items():
        left = [_written(table, request, place) for request in unprocessed.get(table, [])]
        for request in requests:
            output = _written(table, request, place)
            if output in left:
                left.remove(output)
            else:
                outputs.append(output)
    return outputs


def _written(table: str, request: Parameters, place: Place) -> Output:
    if "PutRequest" in request:
        return _placed(put_output(table, request["PutRequest"]["Item"]), table, place)
    return _keyed(table, request["DeleteRequest"]["Key"], place)


def _transact_write_items(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    outputs = []
    for entry in params["TransactItems"]:
        if "Put" in entry:
            table = entry["Put"]["TableName"]
            output = _placed(put_output(table, entry["Put"]["Item"]), table, place)
            outputs.append({**output, wire.OPERATION: wire.CHANGE_PUT})
        for kind, change in (("Update", wire.CHANGE_PUT), ("Delete", wire.CHANGE_DELETE)):
            if kind in entry:  # a ConditionCheck writes nothing
                output = _keyed(entry[kind]["TableName"], entry[kind]["Key"], place)
                outputs.append({**output, wire.OPERATION: change})
    return outputs


def _execute_statement(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return _statements([params], [response])


def _batch_execute(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return _statements(params["Statements"], response.get("Responses"))


def _execute_transaction(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return _statements(params["TransactStatements"], None)


def _statements(statements: List[Any], responses: Optional[List[Any]]) -> List[Output]:
    from gammaray_recorder import partiql  # few functions speak it

    outputs = []
    for index, statement in enumerate(statements):
        response = responses[index] if responses and index < len(responses) else {}
        if not response.get("Error"):
            written = partiql.output_of(
                statement["Statement"], statement.get("Parameters"), response
            )
            if written is not None:
                outputs.append(written)
    return outputs


def put_output(table: str, item: Parameters) -> Output:
    """Describe an item that was put: its hash, and of each attribute that may be the key."""
    texts = []
    hashes: Dict[str, str] = {}
    quoted, normal_number = wire.quoted, wire.normal_number
    # With all in one loop, because most of the recorder's work in a handler is done here, and
    # between two calls over the network nothing of it stays in the processor's caches.
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        if kind == "S":
            text = f'[{quoted(name)},"S",{quoted(value)}]'
        elif kind == "N":
            text = f'[{quoted(name)},"N","{normal_number(value)}"]'
        else:
            text = wire.attribute_text(name, typed)
            if kind != "B":
                texts.append(text)
                continue
        texts.append(text)
        if len(hashes) < _HASHED_ATTRIBUTES and 0 < len(value) <= _KEY_LIMIT:
            digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            hashes[name] = digest[: wire.ATTRIBUTE_HASH_CHARS]
    return {
        wire.RESOURCE: table_name(table),
        wire.HASH: wire.hash_of_texts(texts),
        wire.ATTRIBUTE_HASHES: hashes,
    }


def _keyed(table: str, key: Parameters, place: Place) -> Output:
    output = {wire.RESOURCE: table_name(table), wire.KEY: wire.canonical_key(key)}
    return _placed(output, table, place)


def _placed(output: Output, table: str, place: Place) -> Output:
    """Note the account of a table that is not the function's own."""
    if table.startswith("arn:"):
        parts = table.split(":")
        if len(parts) > 5 and parts[4] != place[0].account:
            output[wire.IDS] = {wire.ID_ACCOUNT: parts[4]}
    return output


def table_name(table: str) -> str:
    """Reduce a table's ARN, which is allowed in a name's place, to the name."""
    if table.startswith("arn:") and "/" in table:
        return table.split("/")[1]
    return table


OUTPUTS: Dict[Any, Callable[[Parameters, Parameters, Place], List[Output]]] = {
    ("dynamodb", "PutItem"): _put_item,
    ("dynamodb", "UpdateItem"): _update_item,
    ("dynamodb", "DeleteItem"): _delete_item,
    ("dynamodb", "BatchWriteItem"): _batch_write_item,
    ("dynamodb", "TransactWriteItems"): _transact_write_items,
    ("dynamodb", "ExecuteStatement"): _execute_statement,
    ("dynamodb", "BatchExecuteStatement"): _batch_execute,
    ("dynamodb", "ExecuteTransaction"): _execute_transaction,
}
