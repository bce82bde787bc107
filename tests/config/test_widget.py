"""The widget's script, the desk's page about it, and the setting of who may show it."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from config import env, storefront

SHOP = "https://shop.example.com"


@pytest.fixture(autouse=True)
def _one_shop(settings):
    settings.WIDGET_HOSTS = [SHOP]
    settings.SITE_URL = "https://help.example.com"


def given(answer) -> dict:
    """The configuration that the script carries."""
    return json.loads(re.search(r"const CONFIG = (\{.*?\});\n", answer.content.decode())[1])


@pytest.mark.django_db
def test_the_script_is_one_file_of_less_than_10_kb(client):
    answer = client.get("/widget.js", headers={"accept-encoding": "gzip, br"})
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Content-Type"].startswith("text/javascript")
    assert len(answer.content) <= 10_000
    assert gzip.decompress(answer.content) == client.get("/widget.js").content
    assert not answer.cookies


@pytest.mark.django_db
def test_the_script_is_kept_for_an_hour_and_then_asked_for_again(client):
    first = client.get("/widget.js")
    assert "public, max-age=3600" in first["Cache-Control"]
    assert client.get("/widget.js", headers={"if-none-match": first["ETag"]}).status_code == 304
    packed = client.get("/widget.js", headers={"accept-encoding": "gzip"})
    assert packed["ETag"] != first["ETag"]
    assert "Accept-Encoding" in packed["Vary"]


@pytest.mark.django_db
def test_the_script_knows_every_language_and_who_may_show_it(client, settings):
    config = given(client.get("/widget.js"))
    assert set(config["texts"]) == {code for code, _name in settings.LANGUAGES}
    assert config["hosts"] == [SHOP]
    settings.WIDGET_HOSTS = []
    assert given(client.get("/widget.js"))["hosts"] == []


@pytest.mark.django_db
def test_nothing_in_the_script_breaks_a_strict_policy(client):
    code = client.get("/widget.js").content.decode()
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|cssText", code)
    assert not re.search(r'setAttribute\("style"|createElement\("style"', code)


def test_the_demos_shop_front_is_as_strict_as_a_shop_can_be(monkeypatch):
    monkeypatch.setenv("SITE_URL", "http://localhost:8123")
    seen = {}

    def ask(path: str) -> str:
        body = storefront.application(
            {"PATH_INFO": path}, lambda status, headers: seen.update(status=status, **dict(headers))
        )
        return b"".join(body).decode(errors="replace")

    for path in ("/", "/lamp.html", "/order.html"):
        html = ask(path)
        assert seen["status"] == "200 OK"
        assert '<script src="http://localhost:8123/widget.js" async' in html
        assert not re.findall(r"\sstyle=|<style|\son\w+=|<script>|HELP_CENTRE", html)
        for used in re.findall(r'(?:href|src)="(/[^"]*)"', html):
            ask(used)
            assert seen["status"] == "200 OK", used
    assert "default-src 'none'" in storefront.policy("x")
    assert "unsafe" not in storefront.policy("x")
    for path in ("/../settings.py", "/%2e%2e/people.yaml", "/../../config/settings.py", "/shop", "/none.html"):
        ask(path)
        assert seen["status"] == "404 Not Found", path


@pytest.mark.parametrize(
    "said", ["shop.example.com", "https://shop.example.com/help", "https://*", "*", "https://a b", "'self'"]
)
def test_an_origin_that_is_none_stops_the_start(monkeypatch, said):
    monkeypatch.setenv("WIDGET_HOSTS", f"https://ok.example.com, {said}")
    with pytest.raises(env.BadSetting, match="WIDGET_HOSTS"):
        env.origins("WIDGET_HOSTS")


def test_origins_are_read_with_forbearance(monkeypatch):
    monkeypatch.setenv("WIDGET_HOSTS", "https://Shop.example.com/, https://*.example.org,http://localhost:8001,")
    assert env.origins("WIDGET_HOSTS") == ["https://shop.example.com", "https://*.example.org", "http://localhost:8001"]


@pytest.fixture
def desk(db):
    def sign_in(role: str) -> Client:
        user = User.objects.create_user(role, password="x", is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def test_the_desk_shows_the_tag_to_those_who_look_after_it(desk):
    ops = desk("ops")
    html = ops.get("/desk/widget/").content.decode()
    assert "&lt;script src=&quot;https://help.example.com/widget.js&quot; async" in html.replace('"', "&quot;")
    assert SHOP in html
    assert "script-src https://help.example.com; frame-src https://help.example.com" in html
    assert desk("writer").get("/desk/widget/").status_code == 403
    assert "/desk/widget/" in ops.get("/desk/messages/").content.decode()
    assert Client().get("/desk/widget/").status_code == 302


def test_the_desk_says_what_to_set_where_nobody_may_show_it(desk, settings):
    settings.WIDGET_HOSTS = []
    assert "WIDGET_HOSTS=https://shop.example.com" in desk("admin").get("/desk/widget/").content.decode()


def test_options_are_in_the_tag_and_in_the_widget_of_that_page(desk):
    ops = desk("ops")
    answer = ops.get(
        "/desk/widget/", {"label": 'Ask "us"', "position": "start", "colour": "#884400", "topic": "returns"}
    )
    html = answer.content.decode()
    assert html.count('data-label="Ask &quot;us&quot;"') == 2
    assert html.count('data-colour="#884400"') == 2
    assert "frame-src 'self'" in answer["Content-Security-Policy"]
    assert ops.get("/desk/widget/", {"colour": "red"}).status_code == 400
