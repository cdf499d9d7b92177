"""Every code with which a caller is refused. Stable, and each explained in PROTOCOL.md."""

from enum import StrEnum


class Code(StrEnum):
    # -- an offer that cannot be answered (HTTP) --
    SDP_MALFORMED = "sdp_malformed"
    AUDIO_SECTIONS = "audio_sections"
    AUDIO_TRANSPORT = "audio_transport_unsupported"
    AUDIO_DIRECTION = "audio_direction"
    OPUS_MISSING = "opus_missing"
    RTCP_MUX_MISSING = "rtcp_mux_missing"
    DATA_SECTIONS = "data_sections"
    BUNDLE_MISSING = "bundle_missing"
    ICE_MISSING = "ice_credentials_missing"
    ICE_LITE = "ice_lite_unsupported"
    FINGERPRINT_MISSING = "fingerprint_missing"
    DTLS_SETUP = "dtls_setup_unsupported"
    MESSAGE_SIZE = "max_message_size_too_small"
    # raised behind `Calls.answer`
    INVALID_OFFER = "invalid_offer"  # the media stack would not have it
    HUNG_UP = "hung_up"  # it ended before it was answered
    OFFER_FAILED = "offer_failed"  # our own fault; see the log
    SERVER_FULL = "server_full"
    SHUTTING_DOWN = "shutting_down"
    # -- a request that is wrong in itself (HTTP) --
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    BODY_MALFORMED = "body_malformed"
    MEDIA_TYPE = "unsupported_media_type"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    HOST_NOT_ALLOWED = "host_not_allowed"
    CALL_NOT_FOUND = "call_not_found"
    HANG_UP_FAILED = "hang_up_failed"  # our own fault; see the log
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BAD_REQUEST = "bad_request"
    INTERNAL = "internal_error"
    # -- a session object, by HTTP or data channel --
    INVALID_VALUE = "invalid_value"
    UNKNOWN_VOICE = "unknown_voice"
    UNKNOWN_LANGUAGE = "unknown_language"
    UNSUPPORTED = "unsupported"
    # -- an event on the data channel --
    INVALID_JSON = "invalid_json"
    EVENT_TOO_LARGE = "event_too_large"
    RATE_LIMITED = "rate_limit_exceeded"
    UNKNOWN_EVENT = "unknown_event"
    RESPONSE_ACTIVE = "conversation_already_has_active_response"
    RESPONSE_NOT_ACTIVE = "response_cancel_not_active"
    NOTHING_TO_COMMIT = "input_audio_buffer_commit_empty"
    ITEM_NOT_FOUND = "item_not_found"
    CALL_UNKNOWN = "function_call_not_found"
    CALL_ANSWERED = "function_call_already_answered"
