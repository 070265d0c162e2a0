"""optuna-dashboard on the study of a run; on loopback, so that other machines cannot reach it."""

from __future__ import annotations

import json
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

from runners.records.errors import UserError
from runners.store import open_storage_readonly, redact
from runners.store.run_folder import STUDY_FILE, SWEEP_FILE


def serve(folder: Path, storage: str | None, host: str, port: int) -> None:
    """Serve the dashboard of a run until Ctrl-C.

    Raises:
        UserError: no such run, no optuna-dashboard, a port that is taken.
    """
    location = _location(folder, storage)
    try:
        import optuna_dashboard
    except ImportError as error:
        raise UserError(
            "optuna-dashboard is not installed; pip install 'lolvit-bench[dashboard]'"
        ) from error
    with open_storage_readonly(location, is_live=True) as study_storage:
        app = optuna_dashboard.wsgi(study_storage)
        try:
            server = make_server(host, port, app, handler_class=_QuietHandler)
        except OSError as error:
            raise UserError(f"cannot serve on {host}:{port}: {error.strerror}") from error
        with server:
            print(f"{redact(location)}: http://{host}:{port}/ (Ctrl-C ends)", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                return


def _location(folder: Path, storage: str | None) -> Path | str:
    if storage is not None:
        return storage
    if (folder / STUDY_FILE).is_file():
        return folder / STUDY_FILE
    if (folder / SWEEP_FILE).is_file():
        content = json.loads((folder / SWEEP_FILE).read_text())
        raise UserError(f"the study of {folder} is in {content['storage']}; name it with --storage")
    raise UserError(f"{folder} holds no study: it is no run of this suite")


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Print nothing: requests are not worth a line."""
