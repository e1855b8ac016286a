"""Names of OpenTelemetry's GenAI conventions (v0.1.0, in development), and our own under `contextprune.`.

Kept here, because the conventions left the package that had them and may still change.
"""

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
CONVERSATION = "gen_ai.conversation.id"
INPUT = "gen_ai.usage.input_tokens"
OUTPUT = "gen_ai.usage.output_tokens"
CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITTEN = "gen_ai.usage.cache_creation.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - no password
ERROR = "error.type"
HTTP_STATUS = "http.response.status_code"

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - no password
DURATION = "gen_ai.client.operation.duration"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"

STATUS = "contextprune.status"
REASON = "contextprune.reason"
MODE = "contextprune.mode"
BEFORE = "contextprune.tokens.before"
AFTER = "contextprune.tokens.after"
OVERHEAD = "contextprune.overhead"
EPOCH = "contextprune.epoch"
SAVED = "contextprune.tokens.saved"

TOKEN_BOUNDS = tuple(4**power for power in range(14))
SECOND_BOUNDS = tuple(0.01 * 2**power for power in range(14))
"""Classes that the conventions ask for."""
