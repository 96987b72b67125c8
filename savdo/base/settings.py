"""Every setting, each with a sentence; read once from `SAVDO_*`, secrets also from `SAVDO_*_FILE`.

A missing setting switches its feature off; a wrong one stops the start with the name of the setting.
"""

import functools
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, Json, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from savdo.base.errors import SavdoError


class WrongSetting(SavdoError):
    """A setting is wrong."""

    code = "wrong_setting"


class ModelPrice(BaseModel):
    """USD a million tokens; what a provider had cached costs the same as the rest when nothing else is said."""

    tokens_in: Decimal = Field(alias="in", ge=0)
    tokens_out: Decimal = Field(alias="out", ge=0)
    cached: Decimal | None = Field(None, ge=0)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SAVDO_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path(".data"), description="Folder of the embedded database, its key and the files.")
    database_url: str = Field("", description="PostgreSQL 18 with pgvector; empty starts the embedded one.")
    database_pool: int = Field(16, ge=2, le=200, description="Database connections of one process.")
    database_wait_s: float = Field(
        60.0, ge=0, le=3600, description="Longest wait of a start for a database that does not answer, in seconds."
    )
    public_url: str = Field("", description="Address customers and channels reach this server at, https://…; empty means none.")
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the web server listens on.")
    trusted_proxies: int = Field(0, ge=0, le=5, description="How many proxies in front append to X-Forwarded-For.")
    secret_keys: SecretStr = Field(
        SecretStr(""),
        description="Comma-separated base64 keys of 32 bytes, newest first; empty keeps one in the data folder.",
    )
    password_memory_mib: int = Field(64, ge=12, le=1024, description="Memory that checking a password takes, in MiB: what guessing costs.")
    files_url: str = Field("", description="Where files are kept: empty for the data folder, or s3://bucket/prefix.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    log_json: bool = Field(False, description="One JSON object a line instead of text for people.")
    metrics_token: SecretStr = Field(SecretStr(""), description="Bearer token of /metrics; empty leaves it to loopback only.")
    worker_concurrency: int = Field(200, ge=1, le=5000, description="Jobs one worker process runs at the same time.")
    debounce_ms: int = Field(1500, ge=0, le=30000, description="Longest wait for the rest of a burst, in milliseconds.")
    review_after_minutes: int = Field(15, ge=1, le=1440, description="Minutes of quiet after which a conversation is reviewed.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Private hosts that outgoing requests may reach, comma-separated (host or host:port)."
    )
    telegram_api_base: str = Field("https://api.telegram.org", description="Base address of the Telegram Bot API.")
    telegram_app_id: int = Field(0, ge=0, description="Id of the installation's app at my.telegram.org; 0 leaves personal accounts off.")
    telegram_app_hash: SecretStr = Field(SecretStr(""), description="Hash of that app.")
    telegram_client: str = Field("telethon", description="What speaks for personal Telegram accounts.")
    meta_url: str = Field(
        "https://graph.facebook.com", description="Base address of Meta's Graph API: WhatsApp, pages, Instagram by a page."
    )
    meta_dialog_url: str = Field("https://www.facebook.com", description="Base address of Facebook's login dialog.")
    meta_version: str = Field("v26.0", pattern=r"^v\d{1,3}\.\d$", description="Version of Meta's Graph API, a part of its addresses.")
    meta_app_id: str = Field("", description="Id of the installation's app at Meta; empty leaves WhatsApp, Messenger and Instagram off.")
    meta_app_secret: SecretStr = Field(SecretStr(""), description="Secret of that app; it signs what Meta delivers to /hooks/meta.")
    meta_verify_token: SecretStr = Field(SecretStr(""), description="Token that Meta's first call of /hooks/meta has to name.")
    instagram_url: str = Field("https://graph.instagram.com", description="Base address of Instagram's API for accounts without a page.")
    instagram_dialog_url: str = Field(
        "https://www.instagram.com", description="Base address of the page where somebody logs in with Instagram."
    )
    instagram_token_url: str = Field("https://api.instagram.com", description="Base address that gives tokens to who logged in there.")
    instagram_app_id: str = Field("", description="Id of the app's Instagram part, for accounts that log in without a page.")
    instagram_app_secret: SecretStr = Field(SecretStr(""), description="Secret of the app's Instagram part.")
    models: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Model chain in order, comma-separated, e.g. anthropic:claude-sonnet-5-5,openai:gpt-5; empty answers locally."
    )
    model_api_base: str = Field("", description="Base address of an OpenAI-compatible server for models named compatible:NAME.")
    vision_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Models that can see pictures beside those of Anthropic, Google and OpenAI, comma-separated: compatible:qwen3-vl."
    )
    model_timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for one model call, in seconds.")
    model_turn_s: float = Field(45.0, gt=0, le=300, description="Longest time models may take for one answer together, in seconds.")
    model_daily_usd: float = Field(
        10.0, ge=0, le=100_000, description="Most that models may cost a tenant a day, in USD; 0 for no limit. Then answers are local."
    )
    model_prices: Annotated[Json[dict[str, ModelPrice]], NoDecode] = Field(  # pyright: ignore[reportAssignmentType] # read as if given
        "{}", description='Own prices in USD a million tokens, as JSON: {"openai:gpt-5": {"in": 1.25, "out": 10, "cached": 0.125}}.'
    )
    anthropic_api_key: SecretStr = Field(SecretStr(""), description="Key of Anthropic.")
    anthropic_api_base: str = Field("", description="Base address of Anthropic; empty for its own.")
    openai_api_key: SecretStr = Field(SecretStr(""), description="Key of OpenAI.")
    openai_api_base: str = Field("", description="Base address of OpenAI; empty for its own.")
    groq_api_key: SecretStr = Field(SecretStr(""), description="Key of Groq.")
    groq_api_base: str = Field("", description="Base address of Groq; empty for its own.")
    google_api_key: SecretStr = Field(SecretStr(""), description="Key of Google's models.")
    google_api_base: str = Field("", description="Base address of Google's models; empty for its own.")
    compatible_api_key: SecretStr = Field(SecretStr(""), description="Key of the OpenAI-compatible server.")
    embeddings_url: str = Field("", description="OpenAI-compatible embeddings address; empty uses the bundled model.")
    embeddings_model: str = Field("", description="Name of the model at SAVDO_EMBEDDINGS_URL.")
    embeddings_api_key: SecretStr = Field(SecretStr(""), description="Key of SAVDO_EMBEDDINGS_URL.")
    speech_url: str = Field(
        "", description="Base address of an OpenAI-compatible server that writes down speech, e.g. https://api.openai.com/v1."
    )
    speech_key: SecretStr = Field(SecretStr(""), description="Key of SAVDO_SPEECH_URL.")
    speech_model: str = Field("gpt-transcribe", description="Name of the model at SAVDO_SPEECH_URL.")
    speech_folder: str = Field(
        "", description="Folder of a faster-whisper model, which writes down speech on this machine; needs the extra `speech`."
    )
    speech_wait_s: float = Field(
        20.0, gt=0, le=120, description="Longest wait of an answer for what a voice message, picture or file says, in seconds."
    )
    speech_minute_usd: Decimal = Field(
        Decimal(0), ge=0, description="Own price of a minute at SAVDO_SPEECH_URL in USD; 0 asks the list of known prices."
    )
    voice_url: str = Field("", description="Base address of an OpenAI-compatible server that speaks, for voice answers; empty for none.")
    voice_key: SecretStr = Field(SecretStr(""), description="Key of SAVDO_VOICE_URL.")
    voice_model: str = Field("gpt-4o-mini-tts", description="Name of the model at SAVDO_VOICE_URL.")
    voice_name: str = Field("marin", description="Name of the voice at SAVDO_VOICE_URL.")
    voice_million_usd: Decimal = Field(
        Decimal(0), ge=0, description="Own price of a million characters at SAVDO_VOICE_URL in USD; 0 asks the list of known prices."
    )
    search_url: str = Field("", description="Address of a SearXNG server with which models may search the web; empty for no such search.")
    clamd_url: str = Field(
        "", pattern=r"^(tcp://[^/]+|unix:///.+)?$",
        description="Virus scanner that every file is shown to: tcp://host:3310 or unix:///path; empty for none.",
    )  # fmt: skip
    demo_key: str = Field("", max_length=64, description="Widget key of the shop shown at /demo; empty shows none without a key.")
    upload_mb: int = Field(20, ge=1, le=200, description="Largest file that may be uploaded, in megabytes.")

    @property
    def embedded(self) -> bool:
        return not self.database_url


def parsed(name: str, value: str) -> object:
    if Settings.model_fields[name].default == ():
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


@functools.cache
def settings() -> Settings:
    """The settings of this process. Raises WrongSetting naming the variable and what it must be."""
    values: dict[str, object] = {}
    for name in Settings.model_fields:
        variable = f"SAVDO_{name.upper()}"
        if (path := os.environ.get(f"{variable}_FILE")) is not None:
            try:
                values[name] = parsed(name, Path(path).read_text().strip())
            except OSError as error:
                raise WrongSetting(f"{variable}_FILE: {path} cannot be read ({error.strerror})", field=name) from None
        elif variable in os.environ:
            values[name] = parsed(name, os.environ[variable])
    try:
        return Settings(**values)  # pyright: ignore[reportArgumentType] # pydantic checks each value
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"SAVDO_{str(first['loc'][0]).upper()}"
        raise WrongSetting(f"{variable}: {first['msg']}", field=variable) from None
