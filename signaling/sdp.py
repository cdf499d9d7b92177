"""Vet an offer: nothing that a caller wrote reaches the media stack as they wrote it.

The offer is read into a few checked values, and a new one is written from those alone: one
audio section, at most one data channel, one bundled transport. Whatever else was offered
(video, other codecs, candidates, attributes unheard of) never gets past this file.

Candidates go because each makes the server send packets to an address of the caller's choosing,
and a `.local` one costs a second of waiting; `a=end-of-candidates` goes because the ICE agent
would give up at once on an empty list. The caller's own checks reveal where they are (RFC 8445,
7.3.1.3, peer-reflexive candidates).

Knows the text of an offer (RFC 8866, 8829, 9143). Does not know who answers it, or HTTP.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.errors import RejectedOffer
from signaling.codes import Code

MAX_BYTES = 65_536
MAX_LINES = 1000  # Chromium writes under 200 with video
MAX_SECTIONS = 16
MAX_MESSAGE_BYTES = 262_144  # what browsers take on a data channel
MIN_MESSAGE_BYTES = 16_384  # below that our own events do not fit, and sending one raises

_SECTION = re.compile(
    r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/]{1,32}) (\S.{0,512})"
)
_FORMAT = re.compile(r"[A-Za-z0-9.+_-]{1,32}")
_MID = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}")  # 16: one-byte header extensions
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_OPUS = re.compile(r"([0-9]{1,3}) opus/48000/2", re.IGNORECASE)
_EXTMAP = re.compile(r"([0-9]{1,2})(?:/[a-z]{8})? (\S+)(?: .*)?")
_FINGERPRINT = re.compile(
    r"(sha-256|sha-384|sha-512) ([0-9A-F]{2}(?::[0-9A-F]{2})+)", re.IGNORECASE
)

_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_DYNAMIC_PAYLOADS = range(96, 128)
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_EXTENSIONS = (  # the header extensions that mean something to us
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
)


@dataclass(frozen=True, slots=True)
class Declined:
    """A section of the offer that the answer turns down, in its place (RFC 8829, 5.3.1)."""

    place: int
    media: str  # "video UDP/TLS/RTP/SAVPF 96 97": the m= line without its port
    mid: str | None

    def lines(self) -> list[str]:
        kind, rest = self.media.split(" ", 1)
        lines = [f"m={kind} 0 {rest}", "c=IN IP4 0.0.0.0", "a=inactive"]
        return [*lines, f"a=mid:{self.mid}"] if self.mid else lines


@dataclass(frozen=True, slots=True)
class VettedOffer:
    """`sdp` is what may be answered; `declined` is what it leaves out."""

    sdp: str
    declined: tuple[Declined, ...] = ()

    def complete(self, answer: str) -> str:
        """Put the declined sections back: an answer has as many as the offer had."""
        head, *sections = _split(answer.splitlines())
        for declined in self.declined:  # in order of place, so each finds those before it there
            sections.insert(declined.place, declined.lines())
        return "".join(f"{line}\r\n" for group in (head, *sections) for line in group)


@dataclass(frozen=True, slots=True)
class _Section:
    place: int
    kind: str
    live: bool  # offered: a port, or none of its own because it is bundled
    profile: str
    formats: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]  # in order; ("mid", "0"), ("rtcp-mux", "")

    def every(self, name: str) -> Iterator[str]:
        return (value for key, value in self.attributes if key == name)

    def one(self, name: str) -> str | None:
        return next(self.every(name), None)


def vet(offer: str | bytes) -> VettedOffer:
    """Return the offer that may be answered. Raises RejectedOffer, with a code of `Code`."""
    session, sections = _read(_text(offer))
    live = [section for section in sections if section.live]
    audio = _only_audio([section for section in live if section.kind == "audio"])
    data = [section for section in live if _is_data_channel(section)]
    if len(data) > 1:
        raise _refusal(Code.DATA_SECTIONS, f"one data channel section at most, not {len(data)}")
    kept = sorted((audio, *data), key=lambda section: section.place)
    mids = _bundle(session, sections, kept)
    transport = _transport(session, kept)
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
    ]
    for section, mid in zip(kept, mids, strict=True):
        lines += _audio(section) if section is audio else _data(section)
        lines += [f"a=mid:{mid}", *transport]
    return VettedOffer(
        "".join(f"{line}\r\n" for line in lines),
        tuple(_declined(section) for section in sections if section not in kept),
    )


# -- reading ----------------------------------------------------------------------------------


def _refusal(code: Code, message: str, status: int = 400) -> RejectedOffer:
    return RejectedOffer(code, message, status=status, param="sdp")


def _text(offer: str | bytes) -> str:
    size = len(offer) if isinstance(offer, bytes) else len(offer.encode(errors="replace"))
    if size > MAX_BYTES:
        raise _refusal(Code.BODY_TOO_LARGE, f"an offer has {MAX_BYTES} bytes at most", 413)
    try:
        return offer.decode() if isinstance(offer, bytes) else offer
    except UnicodeDecodeError:
        raise _refusal(Code.SDP_MALFORMED, "the offer is not UTF-8") from None


def _split(lines: Iterable[str]) -> list[list[str]]:
    """Cut before each m= line: the session's lines, then each section's."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            groups.append([])
        groups[-1].append(line)
    return groups


def _read(text: str) -> tuple[_Section, list[_Section]]:
    # Not splitlines(), which also cuts at form feeds and Unicode separators.
    split = text.rstrip("\r\n").split("\n", MAX_LINES)
    if len(split) > MAX_LINES:
        raise _refusal(Code.SDP_MALFORMED, f"an offer has {MAX_LINES} lines at most")
    lines = [line.removesuffix("\r") for line in split]
    if lines[0] != "v=0":
        raise _refusal(Code.SDP_MALFORMED, "an offer begins with v=0")
    for number, line in enumerate(lines, 1):
        if line[1:2] != "=" or not line[0].islower():
            raise _refusal(Code.SDP_MALFORMED, f"line {number} is not <letter>=<value>")
    head, *groups = _split(lines)
    if len(groups) > MAX_SECTIONS:
        raise _refusal(Code.SDP_MALFORMED, f"an offer has {MAX_SECTIONS} sections at most")
    session = _Section(-1, "session", True, "", (), _attributes(head))
    return session, [_section(place, group) for place, group in enumerate(groups)]


def _attributes(lines: list[str]) -> tuple[tuple[str, str], ...]:
    parts = (line[2:].partition(":") for line in lines if line.startswith("a="))
    return tuple((name, value) for name, _, value in parts)


def _section(place: int, lines: list[str]) -> _Section:
    match = _SECTION.fullmatch(lines[0][2:])
    formats = tuple(match[4].split()) if match else ()
    if not match or int(match[2]) > 65_535 or not all(map(_FORMAT.fullmatch, formats)):
        raise _refusal(Code.SDP_MALFORMED, f"section {place + 1} has an m= line that is none")
    attributes = _attributes(lines[1:])
    live = int(match[2]) > 0 or ("bundle-only", "") in attributes
    return _Section(place, match[1], live, match[3], formats, attributes)


def _is_data_channel(section: _Section) -> bool:
    return (
        section.kind == "application"
        and section.profile in ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP")
        and section.formats == ("webrtc-datachannel",)
    )


def _only_audio(sections: list[_Section]) -> _Section:
    if len(sections) != 1:
        raise _refusal(Code.AUDIO_SECTIONS, f"exactly one audio section, not {len(sections)}")
    audio = sections[0]
    if audio.profile != "UDP/TLS/RTP/SAVPF":
        raise _refusal(Code.AUDIO_TRANSPORT, "audio comes by UDP/TLS/RTP/SAVPF only")
    if audio.one("rtcp-mux") is None:
        raise _refusal(Code.RTCP_MUX_MISSING, "the audio section lacks a=rtcp-mux")
    return audio


def _bundle(session: _Section, sections: list[_Section], kept: list[_Section]) -> list[str]:
    """Return the mids of the kept sections, which one BUNDLE group must hold."""
    all_mids = [mid for section in sections for mid in section.every("mid")]
    groups = [
        group.split()[1:] for group in session.every("group") if group.startswith("BUNDLE ")
    ]
    mids = [section.one("mid") for section in kept]
    bundled = [
        mid for mid in mids if mid and _MID.fullmatch(mid) and mid in (groups or [[]])[0]
    ]
    if len(bundled) != len(kept) or len(set(all_mids)) != len(all_mids):
        raise _refusal(
            Code.BUNDLE_MISSING, "audio and data need a=mid each, and a=group:BUNDLE with both"
        )
    return bundled


def _transport(session: _Section, kept: list[_Section]) -> list[str]:
    """Return the attributes of the one transport, which are those of its first section."""
    if session.one("ice-lite") is not None:
        raise _refusal(
            Code.ICE_LITE, "candidates are ignored here, so an ICE-lite peer is unheard"
        )
    levels = [section for section in kept if section.one("ice-ufrag")][:1]
    levels.append(session)
    ufrag, pwd, setup = (
        next(filter(None, (level.one(name) for level in levels)), "")
        for name in ("ice-ufrag", "ice-pwd", "setup")
    )
    if not _UFRAG.fullmatch(ufrag) or not _PWD.fullmatch(pwd):
        raise _refusal(Code.ICE_MISSING, "a=ice-ufrag or a=ice-pwd is missing or not one")
    if setup not in ("actpass", "active", "passive"):
        raise _refusal(Code.DTLS_SETUP, "a=setup must be actpass, active or passive")
    lines = [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}", f"a=setup:{setup}"]
    return lines + _fingerprints(
        value for level in levels for value in level.every("fingerprint")
    )


def _fingerprints(values: Iterable[str]) -> list[str]:
    matches = filter(None, map(_FINGERPRINT.fullmatch, values))
    pairs = dict.fromkeys((match[1].lower(), match[2].upper()) for match in matches)
    good = [
        f"a=fingerprint:{algorithm} {digest}"
        for algorithm, digest in pairs
        if len(digest) == 3 * _DIGEST_BYTES[algorithm] - 1
    ]
    if not good:
        raise _refusal(
            Code.FINGERPRINT_MISSING, "a=fingerprint with SHA-256, 384 or 512 is missing"
        )
    return good


# -- writing ----------------------------------------------------------------------------------


def _audio(section: _Section) -> list[str]:
    direction = next((n for n, _ in section.attributes if n in _DIRECTIONS), "sendrecv")
    if direction not in ("sendrecv", "sendonly"):
        raise _refusal(Code.AUDIO_DIRECTION, f"a caller who is {direction} cannot be heard")
    matches = filter(None, map(_OPUS.fullmatch, section.every("rtpmap")))
    payloads = [
        match[1]
        for match in matches
        if match[1] in section.formats and int(match[1]) in _DYNAMIC_PAYLOADS
    ]
    if not payloads:
        raise _refusal(Code.OPUS_MISSING, "the audio section does not offer opus/48000/2")
    return [
        f"m=audio 9 UDP/TLS/RTP/SAVPF {payloads[0]}",
        "c=IN IP4 0.0.0.0",
        f"a=rtpmap:{payloads[0]} opus/48000/2",
        "a=rtcp-mux",
        f"a={direction}",
        *_header_extensions(section),
    ]


def _header_extensions(section: _Section) -> list[str]:
    numbers: dict[str, int] = {}
    for match in filter(None, map(_EXTMAP.fullmatch, section.every("extmap"))):
        number, uri = int(match[1]), match[2]
        if uri in _EXTENSIONS and 1 <= number <= 14 and number not in numbers.values():
            numbers.setdefault(uri, number)
    return [f"a=extmap:{number} {uri}" for uri, number in numbers.items()]


def _data(section: _Section) -> list[str]:
    port = section.one("sctp-port") or "5000"
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) <= 65_535:
        raise _refusal(Code.SDP_MALFORMED, "a=sctp-port is no port")
    size = section.one("max-message-size") or "65536"  # RFC 8841, 6.1
    if not re.fullmatch("[0-9]{1,20}", size):
        raise _refusal(Code.SDP_MALFORMED, "a=max-message-size is no size")
    limit = min(int(size) or MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES)  # 0: of any size
    if limit < MIN_MESSAGE_BYTES:
        raise _refusal(
            Code.MESSAGE_SIZE, f"a=max-message-size must be {MIN_MESSAGE_BYTES} or more, or 0"
        )
    return [
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        f"a=sctp-port:{port}",
        f"a=max-message-size:{limit}",
    ]


def _declined(section: _Section) -> Declined:
    mid = section.one("mid")
    media = f"{section.kind} {section.profile} {' '.join(section.formats)}"
    return Declined(section.place, media, mid if mid and _MID.fullmatch(mid) else None)
