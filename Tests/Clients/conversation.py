"""What the Python drivers share: requests in lines, answers in lines. README.md has the table of them."""

import json
import sys
import traceback


def converse(operations, describe):
    """Answers each request with what its operation returns, or with the error that it raised.

    operations: by name, a function of the request. describe: of an error, its status or None, and its texts.
    """
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": operations[request["op"]](request)}
        except Exception as error:
            status, texts = describe(error)
            if status is None:
                # Not an answer of the daemon: whoever reads the log wants to know where it was.
                traceback.print_exc()
            kind = type(error)
            answer = {"error": {"class": f"{kind.__module__}.{kind.__name__}", "status": status, "texts": texts}}
        print(json.dumps(answer), flush=True)
