"""Arguments of sin, cos and tan modulo pi, however large (Payne and Hanek), in float64 and without tables in memory.

x / pi = sum over j of x * C[j] * 2**(-k * (j + 1)), where the C[j] are the digits of 1 / pi, k bits each. Digits whose
product with x is a multiple of 2 change no sine: the first digit that matters follows from the exponent of x, and a
chain of selects shifts the digits by it. The products of the digits with the halves of x are exact.
"""

from __future__ import annotations

from collections.abc import Sequence

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import FORMATS, from_bits, quick_two_sum, to_bits, two_product, two_sum

_INVERSE_PI = int(
    "145f306dc9c882a53f84eafa3ea69bb81b6c52b3278872083fca2c757bd778ac36e48dc74849ba5c00c925dd413a32439fc3bd63962534e7dd"
    "1046bea5d768909d338e04d68befc827323ac7306a673e93908bf177bf250763ff12fffbc0b301fde5e2316b414da3eda6cfd9e4f96136e9e8"
    "c7ecd3cbfd45aea4f758fd7cbe2f67a0e73ef14a525d4d7f6bf623f1aba10ac066",
    16,
)  # floor(2**1174 / pi)
_INVERSE_PI_BITS = 1174
_PI = (3.141592653589793, 1.2246467991473532e-16)


def _digits(width: int, count: int, zeros: int) -> list[float]:
    """`zeros` zeros and then the first `count` digits of 1 / pi, of `width` bits each."""
    digits = [_INVERSE_PI >> (_INVERSE_PI_BITS - width * (j + 1)) & (1 << width) - 1 for j in range(count)]
    return [0.0] * zeros + [float(d) for d in digits]


def _window(code: Code, place: Reg, digits: Sequence[float], count: int, stages: int) -> list[Reg]:
    """digits[place : place + count], by selects between the digits and the digits shifted by powers of 2."""
    found = [code.const(d, "float64") for d in digits]
    zero = code.like(place, 0)
    for stage in reversed(range(stages)):
        step = 1 << stage
        moved = code.ne(code.and_(place, code.like(place, step)), zero)
        length = count + step - 1
        found = [
            code.select(moved, found[i + step], found[i]) if i + step < len(found) else found[i]
            for i in range(min(length, len(found)))
        ]
    return found


def _scaled(code: Code, size: Reg, first: int, width: int, inverse: int, zeros: int) -> tuple[Reg, Reg]:
    """The place of the first digit that matters, and `size` (positive) times the power of 2 that it stands for.

    Places are counted from where the exponent of `size` is `first`; `inverse` is 65536 / width, rounded up; the digits
    begin with `zeros` zeros.
    """
    bits = to_bits(code, size)
    exponent = code.sub(code.lshr(bits, code.like(bits, 52)), code.like(bits, FORMATS["float64"].bias + first))
    place = code.lshr(code.mul(exponent, code.like(bits, inverse)), code.like(bits, 16))
    down = code.mul(code.sub(place, code.like(bits, zeros - 1)), code.like(bits, width))
    return place, from_bits(code, code.sub(bits, code.shl(down, code.like(bits, 52))))


def _modulo_two(code: Code, x: Reg) -> Reg:
    """x - 2 rint(x / 2)."""
    nearest = code.rint(code.mul(x, code.like(x, 0.5)))
    return code.sub(x, code.add(nearest, nearest))


def huge(code: Code, size: Reg, shift: float, step: float) -> tuple[Reg, Reg, Reg]:
    """size / pi = n * step + shift + f, f as small as can be: n, whose last bit is right, and f * pi in two parts.

    For 1 < size < infinity in float64, with all the digits that a float64 result can show.
    """
    place, scaled = _scaled(code, size, 1, 26, 2521, 2)
    digits = _window(code, place, _digits(26, 45, 2), 8, 6)
    bits = to_bits(code, scaled)
    high = from_bits(code, code.and_(bits, code.like(bits, -1 << 26)))
    halves = (high, code.sub(scaled, high))
    products = [
        code.mul(code.mul(half, code.like(half, 2.0 ** (-26 * i))), digit)
        for i, digit in enumerate(digits)
        for half in halves
    ][1:]  # the first is a multiple of 2
    tops = [_modulo_two(code, p) for p in products[:4]]
    whole = _modulo_two(code, code.add(code.add(tops[0], tops[1]), code.add(tops[2], tops[3])))  # exact
    low, low_lost = two_sum(code, products[4], products[5])
    total, lost = two_sum(code, code.sub(whole, code.like(size, shift)), low)
    n = code.rint(code.mul(total, code.like(size, 1 / step)))
    value, errors = code.fma(n, code.like(size, -step), total), []
    for p in (lost, low_lost, *products[6:]):
        value, error = two_sum(code, value, p)
        errors.append(error)
    rest = errors[-1]
    for error in reversed(errors[:-1]):
        rest = code.add(rest, error)
    value, rest = quick_two_sum(code, value, rest)
    angle, angle_lost = two_product(code, value, code.like(size, _PI[0]))
    rest = code.fma(rest, code.like(size, _PI[0]), code.fma(value, code.like(size, _PI[1]), angle_lost))
    return (n, *quick_two_sum(code, angle, rest))


def huge_float32(code: Code, size: Reg, shift: float, step: float) -> tuple[Reg, Reg]:
    """As `huge`, for a float32 in a float64 register: n, and f * pi to some 48 bits."""
    place, scaled = _scaled(code, size, -4, 28, 2341, 1)
    digits = _window(code, place, _digits(28, 7, 1), 4, 3)
    products = [
        code.mul(code.mul(scaled, code.like(scaled, 2.0 ** (-28 * i))), digit) for i, digit in enumerate(digits)
    ]
    whole = code.sub(_modulo_two(code, products[0]), code.like(size, shift))
    total, lost = two_sum(code, whole, _modulo_two(code, products[1]))
    n = code.rint(code.mul(total, code.like(size, 1 / step)))
    value = code.fma(n, code.like(size, -step), total)
    value = code.add(code.add(value, products[2]), code.add(lost, products[3]))
    return n, code.mul(value, code.like(size, _PI[0]))
