from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from core.models import AuditEntry
from kb import import_runs, publishing
from kb.models import Article, ImportRow, ImportRun
from kb.publishing import Text

pytestmark = pytest.mark.django_db

CSV = b"id;title;category;body\n1;Where is my parcel?;Delivery;In the van.\n2;;Delivery;No title.\n"


@pytest.fixture
def worker(monkeypatch):
    """The task runs at once, in this process."""
    ran: list[int] = []

    def enqueue(run_id: int) -> None:
        ran.append(run_id)

    monkeypatch.setattr("kb.tasks.run_import.delay", enqueue)

    def work() -> None:
        while ran:
            import_runs.work(ran.pop(0), enqueue=enqueue)

    return work


@pytest.fixture
def admin(staff) -> Client:
    client = Client()
    client.force_login(staff("admin"))
    return client


def upload(client: Client, name: str = "old.csv", content: bytes = CSV, **more: str):
    data = {"file": SimpleUploadedFile(name, content), "format": "auto", "locale": "en", **more}
    return client.post("/desk/articles/port/", data)


def test_a_file_is_looked_through_and_then_imported(admin, worker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = upload(admin)
    assert answer.status_code == 302
    page = answer.headers["Location"]
    assert "Waiting for a worker" in admin.get(page).content.decode()
    worker()
    shown = admin.get(page).content.decode()
    assert "Nothing was changed" in shown
    assert "row 3" in shown
    assert "title:</strong> It is empty." in shown
    assert not Article.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin.post(f"{page}begin/")
    worker()
    assert Article.objects.get().live_revision.title == "Where is my parcel?"
    run = ImportRun.objects.get(is_dry=False)
    assert (run.new, run.refused, run.state) == (1, 1, "done")
    assert list(AuditEntry.objects.filter(action__startswith="import").values_list("action", "by_name")) == [
        ("import.finished", "admin"), ("import.started", "admin")] * 2  # fmt: skip


def test_the_report_is_filtered_and_downloaded(admin, worker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        page = upload(admin, content=CSV + b"3;=cmd();Delivery;x\n").headers["Location"]
    worker()
    assert "Where is my parcel?" not in admin.get(f"{page}?outcome=refused").content.decode()
    report = b"".join(admin.get(f"{page}report.csv").streaming_content).decode("utf-8-sig")
    assert "refused,old.csv,3,2,,,title,It is empty." in report
    assert "'=cmd()" in report


def test_what_was_changed_on_the_desk_is_overwritten_only_when_asked(admin, worker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        page = upload(admin).headers["Location"]
    worker()
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(f"{page}begin/")
    worker()
    article = Article.objects.get()
    publishing.save_draft(article, Text("Where?", "", "By bike."), version=1, by=None)
    publishing.publish(article, by=None)
    with django_capture_on_commit_callbacks(execute=True):
        page = upload(admin, content=CSV.replace(b"van", b"lorry")).headers["Location"]
    worker()
    assert "Overwrite the 1 article that was changed on the desk since" in admin.get(page).content.decode()
    for overwrite, body in (("", "By bike."), ("1", "In the lorry.")):
        with django_capture_on_commit_callbacks(execute=True):
            admin.post(f"{page}begin/", {"overwrite": overwrite})
        worker()
        article.refresh_from_db()
        assert article.live_revision.body == body


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [("a.exe", {}, "A file that ends so is not read."), ("a.csv", {"locale_map": "xx=tlh"}, "write theirs=ours")],
)
def test_an_upload_that_cannot_be_used_says_why(admin, name, more, says):
    answer = upload(admin, name, **more)
    assert answer.status_code == 422
    assert says in answer.content.decode()


def test_a_worker_that_rests_goes_on_where_it_was(admin, worker, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(import_runs, "_SHIFT_SECONDS", -1.0)
    monkeypatch.setattr("kb.importing.BATCH", 2)
    rows = b"".join(b"%d;Title %d;Delivery;Body\n" % (n, n) for n in range(7))
    with django_capture_on_commit_callbacks(execute=True):
        page = upload(admin, content=b"id;title;category;body\n" + rows).headers["Location"]
    worker()
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(f"{page}begin/")
    worker()
    assert Article.objects.published().count() == 7
    run = ImportRun.objects.get(is_dry=False)
    assert (run.new, run.unchanged, run.done) == (7, 0, 7)
    assert ImportRow.objects.filter(run=run).count() == 7


@pytest.mark.parametrize("role", ["writer", "analyst", "ops"])
def test_others_are_not_let_in(staff, role):
    client = Client()
    client.force_login(staff(role))
    assert client.get("/desk/articles/port/").status_code == 403
    assert upload(client).status_code == 403
    assert client.post("/desk/articles/port/export/", {"format": "csv"}).status_code == 403


@pytest.mark.parametrize("format", ["jsonl", "csv", "markdown"])
def test_an_export_is_sent_and_written_down(admin, write, format):
    write("Late", "Wait.")
    answer = admin.post("/desk/articles/port/export/", {"format": format, "history": "1"})
    content = b"".join(answer.streaming_content)
    if format != "jsonl":
        name = {"markdown": "articles/en/delivery/late.md", "csv": "articles.csv"}[format]
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            assert file.namelist() == ["categories.yaml", name]
            content = file.read(name)
    assert b"Wait." in content
    assert AuditEntry.objects.get(action="export.made").by_name == "admin"


def test_what_a_format_cannot_hold_is_counted_before_and_told_by_the_command(admin, write, tmp_path, capsys):
    article = write("Late", "Text.")
    publishing.save_draft(article, Text("Late", "", "More."), version=article.draft.version, by=None)
    publishing.publish(article, by=None)
    publishing.save_draft(article, Text("Late", "", "More yet."), version=article.draft.version, by=None)
    page = " ".join(admin.get("/desk/articles/port/").content.decode().split())
    assert "<strong>Not in it:</strong> 1 changed draft, 1 earlier text." in page
    assert page.count("Not in it:") == 2, "JSON lines hold everything"
    call_command("export_articles", str(tmp_path / "all.csv.zip"))
    said = capsys.readouterr().err
    assert "Not in this file: 1 changed draft, 1 earlier text." in said
    call_command("export_articles", str(tmp_path / "all.jsonl"))
    assert "Not in this file" not in capsys.readouterr().err
