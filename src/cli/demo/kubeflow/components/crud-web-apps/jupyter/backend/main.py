"""Lists, makes and removes notebooks."""
import flask

app = flask.Flask(__name__)


@app.route("/healthz")
def healthz():
    return "ok"
