"""The way out over HTTP, against a server that misbehaves on purpose."""

import asyncio
import gzip
import logging
import os
import ssl
import time
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from savdo.base import circuit, clock, http
from savdo.base.addresses import is_public
from savdo.base.errors import SavdoError
from tests.emulators.wire import CLOSE, answer, listening

TOKEN = "1234567890:AAabcdefghijklmnopqrstuvwxyz0123456"


@pytest_asyncio.fixture(autouse=True)
async def clean_state() -> AsyncIterator[None]:
    circuit.forget()
    yield
    circuit.forget()
    clock.reset()
    await http.close()


async def test_that_an_answer_comes_back_whatever_its_status() -> None:
    async with listening(answer(404, b'{"no": 1}', "X-Kind: json")) as wire:
        got = await http.send("POST", f"{wire.url}/a?b=1", service="wire", json={"x": "ё"}, headers={"x-own": "1"})
    assert (got.status, got.headers["x-kind"], got.json(), got.ok) == (404, "json", {"no": 1}, False)
    assert b"POST /a?b=1 HTTP/1.1" in wire.requests[0]
    assert b"x-own: 1" in wire.requests[0].lower()


async def test_that_files_and_fields_travel_as_a_form() -> None:
    async with listening(answer(200)) as wire:
        await http.send("POST", wire.url, service="wire", form={"chat_id": "7"}, files={"photo": ("a.png", b"\x89PNG", "image/png")})
    assert b'name="chat_id"' in wire.requests[0]
    assert b'filename="a.png"' in wire.requests[0]


async def test_that_an_answer_that_is_not_json_is_said_to_be_none() -> None:
    async with listening(answer(200, b"<html>")) as wire:
        got = await http.send("GET", wire.url, service="wire")
    with pytest.raises(http.BadAnswer):
        got.json()


async def test_that_a_refused_connection_was_not_sent() -> None:
    async with listening(answer(200)) as wire:
        port = wire.port
    with pytest.raises(http.NotSent):
        await http.send("POST", f"http://127.0.0.1:{port}/", service="wire")


@pytest.mark.parametrize("said", [CLOSE, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"nonsense\r\n\r\n"])
async def test_that_a_connection_that_breaks_after_sending_is_told_apart(said: bytes) -> None:
    async with listening(said) as wire:
        with pytest.raises(http.NoAnswer):
            await http.send("POST", wire.url, service="wire", tries=3)
    assert len(wire.requests) == 1


async def test_that_silence_ends_at_the_deadline() -> None:
    async with listening(None) as wire:
        started = time.monotonic()
        with pytest.raises(http.NoAnswer):
            await http.send("GET", wire.url, service="wire", timeout=0.2)
    assert time.monotonic() - started < 1


async def test_that_too_large_an_answer_is_cut_off_also_when_it_was_packed_small() -> None:
    packed = gzip.compress(b"0" * 2_000_000)
    async with listening(answer(200, packed, "content-encoding: gzip")) as wire:
        with pytest.raises(http.AnswerTooLarge):
            await http.send("GET", wire.url, service="wire", limit=100_000)


async def test_that_a_repeatable_request_is_tried_again_and_waits_as_it_is_told() -> None:
    async with listening(CLOSE, answer(503, b"", "retry-after: 0"), answer(200, b"ok")) as wire:
        got = await http.send("GET", wire.url, service="wire", tries=3)
    assert (got.body, len(wire.requests)) == (b"ok", 3)


async def test_that_a_post_is_not_repeated_after_a_server_error_but_after_being_turned_away() -> None:
    async with listening(answer(503)) as wire:
        assert (await http.send("POST", wire.url, service="wire", tries=3)).status == 503
    assert len(wire.requests) == 1
    async with listening(answer(429, b"", "retry-after: 0"), answer(200)) as wire:
        assert (await http.send("POST", wire.url, service="wire", tries=3)).status == 200


async def test_that_the_last_refusal_is_handed_out_and_a_long_wait_is_left_to_the_caller() -> None:
    async with listening(answer(429, b"", "retry-after: 0")) as wire:
        assert (await http.send("GET", wire.url, service="wire", tries=2)).status == 429
    assert len(wire.requests) == 2
    async with listening(answer(429, b"", "retry-after: 3600")) as wire:
        assert (await http.send("GET", wire.url, service="wire", tries=5)).retry_after == 3600


async def test_that_three_failures_open_the_breaker_and_one_probe_closes_it() -> None:
    async with listening(answer(500), answer(500), answer(500), answer(200)) as wire:
        for _ in range(3):
            await http.send("GET", wire.url, service="wire")
        with pytest.raises(http.CircuitOpen) as refused:
            await http.send("GET", wire.url, service="wire")
        assert 25 < refused.value.retry_after <= 30
        assert len(wire.requests) == 3
        clock.move(timedelta(seconds=31))
        assert (await http.send("GET", wire.url, service="wire")).status == 200
        assert (await http.send("GET", wire.url, service="wire")).status == 200


async def test_that_a_failed_probe_keeps_the_breaker_open_and_only_one_probe_goes_out() -> None:
    async with listening(answer(500), answer(500), answer(500), None) as wire:
        for _ in range(3):
            await http.send("GET", wire.url, service="wire")
        clock.move(timedelta(seconds=31))
        probes = [http.send("GET", wire.url, service="wire", timeout=0.2) for _ in range(3)]
        ended = await asyncio.gather(*probes, return_exceptions=True)
        assert sorted(type(one).__name__ for one in ended) == ["CircuitOpen", "CircuitOpen", "NoAnswer"]
        with pytest.raises(http.CircuitOpen):
            await http.send("GET", wire.url, service="wire")


async def test_that_a_cancelled_probe_leaves_its_place_to_the_next() -> None:
    async with listening(answer(500), answer(500), answer(500), None, answer(200)) as wire:
        for _ in range(3):
            await http.send("GET", wire.url, service="wire")
        clock.move(timedelta(seconds=31))
        probe = asyncio.create_task(http.send("GET", wire.url, service="wire"))
        await asyncio.sleep(0.1)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert (await http.send("GET", wire.url, service="wire")).status == 200


async def test_that_failures_spread_over_time_do_not_open_the_breaker() -> None:
    async with listening(answer(500)) as wire:
        for _ in range(4):
            await http.send("GET", wire.url, service="wire")
            clock.move(timedelta(seconds=31))


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "127.0.0.2", "2130706434", "0x7f.2", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "[::1]", "[::ffff:10.0.0.1]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[64:ff9b::10.0.0.1]", "[2002:7f00:1::]"],
)  # fmt: skip
async def test_that_a_private_address_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(http.AddressRefused):
        await http.send("GET", f"http://{host}:9/", service=f"guard {host}", timeout=2)


@pytest.mark.parametrize("address", ["8.8.8.8", "149.154.167.220", "2a00:1450:4001:81d::200e", "64:ff9b::808:808"])
def test_that_a_public_address_is_let_through(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "http://", "nonsense", "http://a:b:c/", "http://[::1/"])
async def test_that_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(http.BadAddress):
        await http.send("GET", url, service="wire")


async def test_that_a_redirect_is_handed_out_unless_asked_for() -> None:
    async with listening(answer(302, b"", "location: /there"), answer(200, b"there")) as wire:
        assert (await http.send("GET", wire.url, service="wire")).status == 302
    async with listening(answer(302, b"", "location: /there"), answer(200, b"there")) as wire:
        assert (await http.send("GET", wire.url, service="wire", redirects=1)).body == b"there"


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "http://127.0.0.2:1/", "file:///etc/passwd"])
async def test_that_each_hop_of_a_redirect_is_checked_again(target: str) -> None:
    async with listening(answer(302, b"", f"location: {target}")) as wire:
        with pytest.raises(SavdoError) as refused:
            await http.send("GET", wire.url, service="wire", redirects=3)
    assert isinstance(refused.value, http.AddressRefused | http.NoAnswer)
    assert len(wire.requests) == 1


async def test_that_endless_redirects_end() -> None:
    async with listening(answer(302, b"", "location: /again")) as wire:
        assert (await http.send("GET", wire.url, service="wire", redirects=3)).status == 302
    assert len(wire.requests) == 4


@pytest.mark.parametrize("said", [CLOSE, None, answer(302, b"", "location: http://:x"), answer(200, b"x")])
async def test_that_no_log_and_no_error_knows_the_address(said: bytes | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    heard = ""
    async with listening(said) as wire:
        try:
            await http.send("GET", f"{wire.url}/bot{TOKEN}/getMe", service="telegram_bot", timeout=0.2, tries=2, redirects=1)
        except SavdoError as error:
            heard = "".join(traceback.format_exception(error, chain=True)) + repr(error.__context__) + repr(error.__cause__)
    assert TOKEN.partition(":")[2] not in heard + caplog.text


async def test_that_the_host_keeps_its_name_and_its_certificate_is_checked(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*_certificate(tmp_path, "localhost"))
    async with listening(answer(200), tls=tls) as wire:
        with pytest.raises(http.NotSent):
            await http.send("GET", f"https://localhost:{wire.port}/", service="stranger")
        await http.close()
        os.environ["SSL_CERT_FILE"] = str(tmp_path / "cert.pem")
        try:
            assert (await http.send("GET", f"https://localhost:{wire.port}/", service="wire")).status == 200
            with pytest.raises(http.NotSent):
                await http.send("GET", f"https://127.0.0.1:{wire.port}/", service="wrong name")
        finally:
            del os.environ["SSL_CERT_FILE"]
    assert "localhost" in wire.servers_named
    assert f"host: localhost:{wire.port}".encode() in wire.requests[-1].lower()


def test_that_another_event_loop_gets_a_client_of_its_own() -> None:
    async def once() -> int:
        async with listening(answer(200)) as wire:
            try:
                return (await http.send("GET", wire.url, service="wire")).status
            finally:
                await http.close()

    assert [asyncio.run(once()) for _ in range(2)] == [200, 200]


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate_file, key_file
