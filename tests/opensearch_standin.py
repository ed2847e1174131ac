"""OpenSearch on this machine, as far as the shop uses it: documents in memory, and no mistake let through.

It refuses what OpenSearch refuses: unknown keys and parameters, fields that are not mapped, values of another type,
external versions that are not newer, writes through an alias that is missing. A change is searchable once the index
was refreshed, by request or after a second. Its stems and its typos are rough; nothing here judges them.
"""

import json
import re
import socket
import threading
import time
import unicodedata
from difflib import SequenceMatcher
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

REFRESH_SECONDS = 1.0
MOST = 10_000
_FILTERS = {"lowercase", "decimal_digit", "arabic_normalization", "asciifolding"}
_STEMMERS = {"arabic", "english", "light_spanish"}
_INDEX_SETTINGS = {"number_of_shards", "auto_expand_replicas", "max_result_window"}
_MULTI_MATCH = {"query", "fields", "type", "boost", "fuzziness", "prefix_length"}
_SEARCH = {"query", "sort", "size", "timeout", "track_total_hits", "_source", "version"}


class Refused(Exception):
    def __init__(self, status, kind, reason=""):
        super().__init__(f"{kind}: {reason}")
        self.status, self.kind, self.reason = status, kind, reason

    def body(self):
        error = {"type": self.kind, "reason": self.reason, "root_cause": []}
        return {"error": error, "status": self.status}


def only(found, allowed, where):
    if unknown := set(found) - set(allowed):
        raise Refused(400, "parsing_exception", f"{where}: unknown {sorted(unknown)}")


class Index:
    def __init__(self, body):
        only(body, {"settings", "mappings", "aliases"}, "create")
        self.aliases = set(body.get("aliases", {}))
        self._check_analysis(body["settings"])
        only(body["mappings"], {"dynamic", "properties", "_meta"}, "mappings")
        self.meta = body["mappings"]["_meta"]
        self.is_strict = body["mappings"]["dynamic"] == "strict"
        self.fields = {}
        for name, mapped in body["mappings"]["properties"].items():
            self._map(name, mapped)
        self.documents = {}  # by id: (version, source)
        self.visible, self.refreshed_at = {}, 0.0

    def _check_analysis(self, settings):
        only(settings, {"index", "analysis"}, "settings")
        only(settings["index"], _INDEX_SETTINGS, "settings.index")
        analysis = settings["analysis"]
        only(analysis, {"tokenizer", "filter", "normalizer", "analyzer"}, "analysis")
        for stemmer in analysis["filter"].values():
            only(stemmer, {"type", "language"}, "filter")
            assert (stemmer["type"], stemmer["language"] in _STEMMERS) == ("stemmer", True)
        for tokenizer in analysis["tokenizer"].values():
            only(tokenizer, {"type", "pattern"}, "tokenizer")
        self.analyzers, self.normalizers = set(), set(analysis["normalizer"])
        for name, analyzer in analysis["analyzer"].items():
            only(analyzer, {"type", "tokenizer", "filter"}, "analyzer")
            only(analyzer["filter"], _FILTERS | set(analysis["filter"]), "analyzer.filter")
            only({analyzer["tokenizer"]}, analysis["tokenizer"], "analyzer.tokenizer")
            self.analyzers.add(name)

    def _map(self, name, mapped):
        allowed = {"text": {"analyzer", "fields"}, "keyword": {"normalizer", "index"}, "long": (), "boolean": ()}
        if mapped["type"] not in allowed:
            raise Refused(400, "mapper_parsing_exception", mapped["type"])
        only(mapped, {"type", *allowed[mapped["type"]]}, f"mapping {name}")
        only({mapped["analyzer"]} if "analyzer" in mapped else (), self.analyzers, "analyzer")
        only({mapped["normalizer"]} if "normalizer" in mapped else (), self.normalizers, "normalizer")
        self.fields[name] = mapped
        for part, inner in mapped.get("fields", {}).items():
            self._map(f"{name}.{part}", inner)

    def check(self, source):
        kinds = {"text": str, "keyword": str, "long": int, "boolean": bool}
        for name, value in source.items():
            if name not in self.fields or "." in name:
                raise Refused(400, "strict_dynamic_mapping_exception", name)
            for one in value if isinstance(value, list) else [value]:
                if type(one) is not kinds[self.fields[name]["type"]]:
                    raise Refused(400, "mapper_parsing_exception", f"{name}: {one!r}")

    def put(self, name, version, source):
        held = self.documents[name][0] if name in self.documents else -1
        if version <= held:
            raise Refused(409, "version_conflict_engine_exception", f"{version} is not higher than {held}")
        self.check(source)
        self.documents[name] = (version, source)
        return 201 if held < 0 else 200

    def refresh(self):
        self.visible, self.refreshed_at = dict(self.documents), time.monotonic()


class OpenSearchStandIn:
    """`url` to be given as ELASTICSEARCH_URL; `trouble(method, path)` may sleep, or return a status to answer."""

    def __init__(self):
        self.indices, self.guard = {}, threading.RLock()
        self.trouble = lambda *_: None
        self.asked, self.refusals = [], []
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self):
                standin.answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815  # the library's names

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.socket.close()

    def behind(self, alias):
        return sorted(name for name, index in self.indices.items() if alias in index.aliases)

    def documents(self, alias="products"):
        """What is held for searches, whether refreshed yet or not."""
        with self.guard:
            (name,) = self.behind(alias)
            held = {key: dict(source) for key, (_, source) in self.indices[name].documents.items()}
            return {key: source for key, source in held.items() if source.pop("is_shown")}

    def refresh(self):
        with self.guard:
            for index in self.indices.values():
                index.refresh()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(handler.path)
        self.asked.append((handler.command, unquote(parts.path)))
        try:
            status = self.trouble(handler.command, unquote(parts.path))
            said = {} if status else self.handle(handler.command, unquote(parts.path), parse_qs(parts.query), body)
            status = status or 200
        except Refused as refused:
            self.refusals.append(refused)
            status, said = refused.status, refused.body()
        except Exception as error:  # noqa: BLE001  # a mistake here must not look like an OpenSearch that is away
            self.refusals.append(Refused(400, "stand_in", repr(error)))
            status, said = 400, self.refusals[-1].body()
        send(handler, status, json.dumps(said).encode())

    def handle(self, method, path, params, body):  # noqa: C901, PLR0911  # one line an address
        match method, path.strip("/").split("/"):
            case (("GET" | "HEAD"), ["_alias", name]):
                return self.aliases(name)
            case "GET", [alias, "_mapping"]:
                self.aliases(alias)
                return {name: {"mappings": {"_meta": self.indices[name].meta}} for name in self.behind(alias)}
            case "POST", ["_aliases"]:
                return self.move(json.loads(body))
            case "GET", [pattern]:
                only(params, {"allow_no_indices"}, "get")
                return {name: {} for name in self.indices if fnmatch(name, pattern)}
            case "PUT", [name]:
                return self.create(name, json.loads(body))
            case "DELETE", [name]:
                return self.delete(name)
            case "POST", [name, "_refresh"]:
                self.concrete(name).refresh()
                return {}
            case "POST", [alias, "_bulk"]:
                only(params, {"require_alias"}, "bulk")
                return self.bulk(alias, params, body)
            case "POST", [alias, "_search"]:
                only(params, {"preference", "allow_partial_search_results"}, "search")
                return self.search(alias, json.loads(body))
        raise Refused(400, "invalid_request", f"{method} {path}")

    def concrete(self, name):
        with self.guard:
            if name not in self.indices:
                raise Refused(404, "index_not_found_exception", name)
            return self.indices[name]

    def aliases(self, name):
        with self.guard:
            if not (found := self.behind(name)):
                raise Refused(404, "aliases_not_found_exception", name)
            return {index: {"aliases": {name: {}}} for index in found}

    def create(self, name, body):
        with self.guard:
            if name in self.indices or self.behind(name) or name != name.lower():
                raise Refused(400, "resource_already_exists_exception", name)
            self.indices[name] = Index(body)
            return {"acknowledged": True, "index": name}

    def delete(self, name):
        with self.guard:
            if self.behind(name) or "*" in name:
                raise Refused(400, "illegal_argument_exception", "an alias or pattern cannot be deleted")
            self.concrete(name)
            del self.indices[name]
            return {"acknowledged": True}

    def move(self, body):
        only(body, {"actions"}, "aliases")
        with self.guard:
            moved = {name: set(index.aliases) for name, index in self.indices.items()}
            for action in body["actions"]:
                ((verb, what),) = action.items()
                only({verb}, {"add", "remove"}, "aliases.actions")
                only(what, {"index", "alias"}, "aliases.actions")
                self.concrete(what["index"])
                if verb == "remove" and what["alias"] not in moved[what["index"]]:
                    raise Refused(404, "aliases_not_found_exception", what["alias"])
                getattr(moved[what["index"]], "add" if verb == "add" else "remove")(what["alias"])
            for name, names in moved.items():
                self.indices[name].aliases = names
            return {"acknowledged": True}

    def bulk(self, alias, params, body):
        if not body.endswith("\n"):
            raise Refused(400, "illegal_argument_exception", "a bulk body ends with a newline")
        if params.get("require_alias") != ["true"]:
            raise Refused(400, "illegal_argument_exception", "would make an index by itself")
        lines = iter(map(json.loads, body.splitlines()))
        items = [self.bulk_item(alias, line, lines) for line in lines]
        return {"errors": any(next(iter(item.values()))["status"] >= 400 for item in items), "items": items}

    def bulk_item(self, alias, line, lines):
        ((verb, named),) = line.items()
        # `require_alias` does not hold for a delete: with an external version it would make an index.
        only({verb}, {"index"}, "bulk")
        only(named, {"_id", "version", "version_type"}, "bulk")
        assert named["version_type"] == "external"
        source = next(lines)
        try:
            with self.guard:
                status = self.one_behind(alias).put(named["_id"], named["version"], source)
        except Refused as refused:
            return {verb: {"_id": named["_id"], "status": refused.status, "error": refused.body()["error"]}}
        return {verb: {"_id": named["_id"], "status": status}}

    def one_behind(self, alias):
        found = self.behind(alias)
        if len(found) != 1:
            raise Refused(404 if not found else 400, "index_not_found_exception", alias)
        return self.indices[found[0]]

    def search(self, alias, body):
        only(body, _SEARCH, "search")
        if body["size"] > MOST:
            raise Refused(400, "illegal_argument_exception", "result window is too large")
        with self.guard:
            index = self.one_behind(alias)
            if time.monotonic() - index.refreshed_at > REFRESH_SECONDS:
                index.refresh()
            visible = index.visible
        scored = [(judge(body["query"], source, index.fields), key) for key, (_, source) in visible.items()]
        wanted = [(score, key) for score, key in scored if score is not None]
        orders = [next(iter(order.items())) for order in body["sort"]]
        assert orders in ([("product_id", "asc")], [("_score", "desc"), ("product_id", "asc")])
        wanted.sort(key=lambda pair: (-pair[0] if orders[0][0] == "_score" else 0, pair[1]))
        hits = [hit(key, *visible[key], body) for _, key in wanted[: body["size"]]]
        return {"timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": hits}}


def hit(key, version, source, body):
    found = {"_id": key}
    if body["_source"]:
        found["_source"] = {name: source[name] for name in body["_source"]}
    return found | ({"_version": version} if body.get("version") else {})


def judge(query, source, fields):  # noqa: C901, PLR0911  # one case a kind of query
    """The score of a document, None if it does not fit."""
    ((kind, what),) = query.items()
    match kind:
        case "bool":
            only(what, {"must", "filter", "should", "minimum_should_match"}, "bool")
            needed = [judge(part, source, fields) for part in (*what.get("must", ()), *what.get("filter", ()))]
            either = [judge(part, source, fields) for part in what.get("should", ())]
            if None in needed or (either and all(score is None for score in either)):
                return None
            return sum(needed) + sum(score or 0 for score in either)
        case "dis_max":
            only(what, {"queries"}, "dis_max")
            return max((s for part in what["queries"] if (s := judge(part, source, fields)) is not None), default=None)
        case "multi_match":
            return judge_words(what, source, fields)
        case "term":
            ((name, value),) = what.items()
            assert name in fields, name
            if (held := source.get(name)) is None:
                return None
            if fields[name].get("normalizer"):
                held, value = held.lower(), value.lower()
            return 0 if held == value else None
        case "range":
            ((name, edges),) = what.items()
            only(edges, {"gt", "gte", "lte"}, "range")
            assert fields[name]["type"] in {"long", "keyword"}
            return 0 if name in source and within(source[name], edges) else None
    raise Refused(400, "parsing_exception", f"unknown query [{kind}]")


def within(value, edges):
    tests = {"gt": value.__gt__, "gte": value.__ge__, "lte": value.__le__}
    return all(tests[edge](bound) for edge, bound in edges.items())


def judge_words(what, source, fields):
    only(what, _MULTI_MATCH, "multi_match")
    if what["type"] == "phrase_prefix" and "fuzziness" in what:
        raise Refused(400, "parsing_exception", "fuzziness is not allowed with phrase_prefix")
    fits = next(way for name, way in WAYS.items() if name in what or name == what["type"])
    best = None
    for field in what["fields"]:
        path, _, weight = field.partition("^")
        assert fields[path]["type"] == "text", path
        name, _, language = path.partition(".")
        reduce = stem if language else fold
        texts = source.get(name, [])
        texts = texts if isinstance(texts, list) else [texts]
        held = [reduce(word) for text in texts for word in re.findall(r"[^\W_]+", fold(text))]
        if any(fits(word, reduce(fold(what["query"]))) for word in held):
            best = max(best or 0, float(weight) * what.get("boost", 1))
    return best


def fold(text):
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(char for char in plain if unicodedata.category(char) != "Mn" and char != "ـ").replace("ة", "ه")


def stem(word):
    return re.sub(r"^ال|(es|s|ات|ه)$", "", word)


WAYS = {
    "fuzziness": lambda held, asked: (
        held[:1] == asked[:1] and len(asked) > 2 and SequenceMatcher(None, held, asked).ratio() > 0.8
    ),
    "phrase_prefix": lambda held, asked: held.startswith(asked),
    "best_fields": lambda held, asked: held == asked,
}


def send(handler, status, said):
    try:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json; charset=UTF-8")
        handler.send_header("Content-Length", str(len(said)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(said)
    except OSError:
        handler.close_connection = True  # the caller did not wait


class Mute:
    """A server that takes calls and never says a word."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def stop(self):
        self.socket.close()
