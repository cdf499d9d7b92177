"""Triton kernels of the language model's layers: what plain torch does in many, in one each.

A decode step reads every weight once and computes next to nothing: its kernels cost what they
read, and two microseconds each to begin and end. So they are few, and for one call each begins
while the one before it still runs (`EARLY`, from compute capability 9 on): it reads weights,
which do not depend on that, and then waits. Pointers are of contiguous tensors, sums are in
float32, and what is known when a kernel is compiled is written in capitals.
"""

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait


@triton.jit
def _follow(EARLY: tl.constexpr):
    """Wait for what the kernel before this one writes; let the next be launched."""
    if EARLY:
        gdc_wait()
        gdc_launch_dependents()


@triton.jit
def _product(
    x, weight, rows, B: tl.constexpr, K: tl.constexpr,
    BP: tl.constexpr, R: tl.constexpr, BK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """x [B, K] times rows [R] of weight [., K]: [BP, R].

    One of x is a sum over products, several are products of tiles (of 16, so BP is 1 or 16).
    """
    k = tl.arange(0, BK)
    if BP == 1:
        total = tl.zeros([R, BK], tl.float32)
        at_rows = weight + rows[:, None].to(tl.int64) * K + k[None, :]
        tile = tl.load(at_rows, mask=k[None, :] < K, other=0.0)
        _follow(EARLY)
        for at in tl.static_range(0, K, BK):
            if at + BK < K:
                ahead = tl.load(at_rows + at + BK, mask=(at + BK + k)[None, :] < K, other=0.0)
            part = tl.load(x + at + k, mask=at + k < K, other=0.0).to(tl.float32)
            total += tile.to(tl.float32) * part[None, :]
            if at + BK < K:
                tile = ahead
        result = tl.sum(total, 1)[None, :]
    else:
        tl.static_assert(K % BK == 0)
        b = tl.arange(0, BP)[:, None]
        result = tl.zeros([BP, R], tl.float32)
        at_columns = weight + rows[None, :].to(tl.int64) * K + k[:, None]
        at_parts = x + b * K + k[None, :]
        _follow(EARLY)
        for at in range(0, K, BK):
            part = tl.load(at_parts + at, mask=b < B, other=0.0)
            result = tl.dot(part, tl.load(at_columns + at), result)
    return result


@triton.jit
def _halves(
    x, weight, row, apart, B: tl.constexpr, K: tl.constexpr,
    BP: tl.constexpr, R: tl.constexpr, BK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """Products with rows [row, row + R / 2) and with those `apart` from them: [BP, R / 2] each.

    They lie alternately in the tile, so that both come out of one product.
    """
    i = tl.arange(0, R)
    rows = row + i // 2 + (i % 2) * apart
    both = _product(x, weight, rows, B, K, BP, R, BK, EARLY)
    return tl.split(tl.reshape(both, [BP, R // 2, 2]))


@triton.jit
def _turned(one, other, cos, sin, half, inside):
    """The first half of a head and the other, rotated; cos and sin are of the first."""
    first = one * tl.load(cos, mask=inside, other=0.0)
    first += other * tl.load(sin, mask=inside, other=0.0)
    second = other * tl.load(cos + half, mask=inside, other=0.0)
    second += one * tl.load(sin + half, mask=inside, other=0.0)
    return first, second


@triton.jit
def norm(x, gain, out, eps, K: tl.constexpr, BLOCK: tl.constexpr, EARLY: tl.constexpr):
    """RMS norm of x [., K], times gain [K]."""
    at, k = tl.program_id(0) * K, tl.arange(0, BLOCK)
    scale = tl.load(gain + k, mask=k < K, other=0.0).to(tl.float32)
    _follow(EARLY)
    row = tl.load(x + at + k, mask=k < K, other=0.0).to(tl.float32)
    row *= tl.rsqrt(tl.sum(row * row, 0) / K + eps)
    tl.store(out + at + k, (row * scale).to(out.dtype.element_ty), mask=k < K)


@triton.jit
def turned_qkv(
    x, weight, cos, sin, rows, queries, cached,
    B: tl.constexpr, K: tl.constexpr, HEADS: tl.constexpr, KV: tl.constexpr, D: tl.constexpr,
    BP: tl.constexpr, R: tl.constexpr, BK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """Projection and rotation: queries [B, HEADS * D]; keys and values [2 * KV, D] to
    `rows` [B] of cached. cos and sin are [B, HEADS + 2 * KV, D], sin with its first half
    negated."""
    half: tl.constexpr = D // 2
    parts: tl.constexpr = half // (R // 2)
    head = tl.program_id(0) // parts
    d = (tl.program_id(0) % parts) * (R // 2) + tl.arange(0, R // 2)
    row = head * D + (tl.program_id(0) % parts) * (R // 2)
    one, other = _halves(x, weight, row, half, B, K, BP, R, BK, EARLY)
    b = tl.arange(0, BP)[:, None]
    inside = (b < B) & (d[None, :] < half)
    turn = b * ((HEADS + 2 * KV) * D) + head * D + d[None, :]
    turned, other = _turned(one, other, cos + turn, sin + turn, half, inside)
    if head < HEADS:
        to = queries + b * (HEADS * D) + head * D + d[None, :]
    else:
        place = tl.load(rows + b, mask=b < B, other=0)
        to = cached + place * (2 * KV * D) + (head - HEADS) * D + d[None, :]
    tl.store(to, turned.to(to.dtype.element_ty), mask=inside)
    tl.store(to + half, other.to(to.dtype.element_ty), mask=inside)


@triton.jit
def gated(
    x, weight, out, B: tl.constexpr, K: tl.constexpr, N: tl.constexpr,
    BP: tl.constexpr, R: tl.constexpr, BK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """Both projections, silu(gate) * up: out [B, N] of weight [2 * N, K]."""
    row = tl.program_id(0) * (R // 2)
    gate, up = _halves(x, weight, row, N, B, K, BP, R, BK, EARLY)
    b = tl.arange(0, BP)[:, None]
    to = out + b * N + row + tl.arange(0, R // 2)[None, :]
    tl.store(to, (gate * tl.sigmoid(gate) * up).to(to.dtype.element_ty), mask=b < B)


@triton.jit
def add_product(
    x, weight, residual, out, B: tl.constexpr, K: tl.constexpr, N: tl.constexpr,
    BP: tl.constexpr, R: tl.constexpr, BK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """residual + x times weight [N, K]: out [B, N]."""
    rows = tl.program_id(0) * R + tl.arange(0, R)
    found = _product(x, weight, rows, B, K, BP, R, BK, EARLY)
    b = tl.arange(0, BP)[:, None]
    at = b * N + rows[None, :]
    found += tl.load(residual + at, mask=b < B, other=0.0).to(tl.float32)
    tl.store(out + at, found.to(out.dtype.element_ty), mask=b < B)


@triton.jit
def turn_and_keep(
    qkv, cos, sin, rows, queries, cached,
    HEADS: tl.constexpr, KV: tl.constexpr, D: tl.constexpr, G: tl.constexpr,
):  # fmt: skip
    """The rotation of turned_qkv for qkv [N, HEADS + 2 * KV, D]: a program turns G heads."""
    half: tl.constexpr = D // 2
    every: tl.constexpr = HEADS + 2 * KV
    n, d = tl.program_id(0).to(tl.int64), tl.arange(0, half)[None, :]
    head = tl.program_id(1) * G + tl.arange(0, G)[:, None]
    inside = head < every
    at = n * (every * D) + head * D + d
    one = tl.load(qkv + at, mask=inside, other=0.0).to(tl.float32)
    other = tl.load(qkv + at + half, mask=inside, other=0.0).to(tl.float32)
    turned, other = _turned(one, other, cos + at, sin + at, half, inside)
    to = queries + n * (HEADS * D) + head * D + d
    tl.store(to, turned.to(to.dtype.element_ty), mask=head < HEADS)
    tl.store(to + half, other.to(to.dtype.element_ty), mask=head < HEADS)
    to = cached + tl.load(rows + n) * (2 * KV * D) + (head - HEADS) * D + d
    tl.store(to, turned.to(to.dtype.element_ty), mask=inside & (head >= HEADS))
    tl.store(to + half, other.to(to.dtype.element_ty), mask=inside & (head >= HEADS))


@triton.jit
def silu_product(both, out, total, N: tl.constexpr, BLOCK: tl.constexpr):
    """silu(gate) * up of both [., 2 * N], gate first: out [., N] of `total` numbers."""
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    at = i // N * (2 * N) + i % N
    gate = tl.load(both + at, mask=i < total, other=0.0).to(tl.float32)
    up = tl.load(both + at + N, mask=i < total, other=0.0).to(tl.float32)
    tl.store(out + i, (gate * tl.sigmoid(gate) * up).to(out.dtype.element_ty), mask=i < total)


@triton.jit
def attend(
    queries, cached, slots, starts, out, parts, peaks, sums, done, scale, new, stride,
    HEADS: tl.constexpr, KV: tl.constexpr, D: tl.constexpr, GP: tl.constexpr,
    S: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """Each of `new` positions of a slot over the cached ones up to itself: [B * new, HEADS, D].

    The heads that share keys are rows of one tile. A program does a tile of BM rows of one slot
    and one key head, over its share of S of the keys. Where S is more than one, each leaves
    what it has in parts [B * HEADS, S, D], peaks and sums [B * HEADS, S], and the last of them,
    which `done` [B * KV] tells, joins them; `done` is 0 before and after. GP is a power of two
    with room for the heads of a key head.
    """
    G: tl.constexpr = HEADS // KV
    _follow(EARLY)
    b, kv = tl.program_id(1) // KV, tl.program_id(1) % KV
    r = tl.program_id(0) * BM + tl.arange(0, BM)
    d, n = tl.arange(0, D), tl.arange(0, BN)
    start, slot = tl.load(starts + b), tl.load(slots + b)
    inside = r < new * G
    position = start + r // G
    row = (b * new + r // G) * HEADS + kv * G + r % G  # of queries [B * new * HEADS, D]
    q = tl.load(queries + row[:, None] * D + d[None, :], mask=inside[:, None], other=0.0)
    end = start + tl.minimum(new, (tl.program_id(0) * BM + BM - 1) // G + 1)
    share = tl.cdiv(tl.cdiv(end, BN), S) * BN
    first = tl.program_id(2) * share
    keys = cached + (slot * stride) * (2 * KV * D) + kv * D
    peak = tl.full([BM], float("-inf"), tl.float32)
    total = tl.zeros([BM], tl.float32)
    sum_of = tl.zeros([BM, D], tl.float32)
    for at in range(first, tl.minimum(first + share, end), BN):
        here = at + n
        seen = keys + here.to(tl.int64) * (2 * KV * D)
        k = tl.load(seen[None, :] + d[:, None], mask=here[None, :] < end, other=0.0)
        v = tl.load(seen[:, None] + KV * D + d[None, :], mask=here[:, None] < end, other=0.0)
        scores = tl.dot(q, k) * scale
        scores = tl.where(here[None, :] <= position[:, None], scores, float("-inf"))
        higher = tl.maximum(peak, tl.max(scores, 1))
        base = tl.where(higher == float("-inf"), 0.0, higher)
        weights = tl.exp(scores - base[:, None])
        faded = tl.exp(peak - base)
        total = total * faded + tl.sum(weights, 1)
        sum_of = tl.dot(weights.to(v.dtype), v, sum_of * faded[:, None])
        peak = higher
    if S == 1:
        found = (sum_of / total[:, None]).to(out.dtype.element_ty)
        tl.store(out + row[:, None] * D + d[None, :], found, mask=inside[:, None])
    else:
        at = row * S + tl.program_id(2)
        tl.store(parts + at[:, None] * D + d[None, :], sum_of, mask=inside[:, None])
        tl.store(peaks + at, peak, mask=inside)
        tl.store(sums + at, total, mask=inside)
        tl.debug_barrier()  # all threads have stored
        if tl.atomic_add(done + tl.program_id(1), 1, sem="acq_rel") == S - 1:
            tl.debug_barrier()
            g, s = tl.arange(0, GP)[:, None], tl.arange(0, S)[None, :]
            real, one = g < G, b * HEADS + kv * G + g
            tops = tl.load(peaks + one * S + s, mask=real, other=0.0, volatile=True)
            shares = tl.exp(tops - tl.max(tops, 1)[:, None])
            totals = tl.load(sums + one * S + s, mask=real, other=1.0, volatile=True)
            shares /= tl.sum(totals * shares, 1)[:, None]
            theirs = parts + (one * S + s)[:, :, None] * D + d[None, None, :]
            left = tl.load(theirs, mask=real[:, :, None], other=0.0, volatile=True)
            joined = tl.sum(left * shares[:, :, None], 1).to(out.dtype.element_ty)
            tl.store(out + one * D + d[None, :], joined, mask=real)
            tl.store(done + tl.program_id(1), 0)
