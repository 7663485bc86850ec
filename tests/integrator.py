"""One leaky integrator between events, in closed form and in as many digits as mpmath is set to.

With V and I at s = 0, tau_mem V' = I - V and tau_syn I' = -I:

    V(s) = V exp(-s/tau_mem) + I k(s),    I(s) = I exp(-s/tau_syn),
    k(s) = 1/tau_mem int_0^s exp(-(s-u)/tau_mem - u/tau_syn) du.

V' vanishes at most once, so V is monotone on at most two pieces, and every upward crossing can be bracketed.
"""

from __future__ import annotations

from dataclasses import dataclass

from mpmath import mp, mpf


@dataclass(frozen=True)
class Course:
    """The course of V and I from the state (V, I) on, undisturbed. Time constants and ``s`` in seconds."""

    V: mpf
    I: mpf
    tau_mem: mpf
    tau_syn: mpf

    def voltage(self, s: mpf) -> mpf:
        decay, k, _, _ = response(s, self.tau_mem, self.tau_syn)
        return self.V * decay + self.I * k

    def slope(self, s: mpf) -> mpf:
        """V'(s)."""
        return (self.I * mp.exp(-s / self.tau_syn) - self.voltage(s)) / self.tau_mem

    def turn(self) -> mpf | None:
        """The one s > 0 where V'(s) = 0, or None."""
        if self.I == 0:
            return None
        difference = 1 / self.tau_mem - 1 / self.tau_syn
        z = (self.I - self.V) * self.tau_syn / self.I
        if difference == 0:
            return z if z > 0 else None
        if difference * z <= -1:
            return None
        s = mp.log1p(difference * z) / difference
        return s if s > 0 else None

    def maximum(self, T: mpf) -> mpf:
        """The largest V on [0, T]: at an end or where V turns."""
        turn = self.turn()
        places = [mpf(0), T] if turn is None or turn > T else [mpf(0), turn, T]
        return max(self.voltage(s) for s in places)

    def first_crossing(self, theta: mpf) -> mpf | None:
        """The first s > 0 where V(s) rises through theta, or None; V(0) must lie below theta."""
        if theta <= self.V:
            raise ValueError(f"V = {self.V} is not below theta = {theta} to begin with")
        turn = self.turn()
        far = (turn or 0) + 3 * mp.dps * max(self.tau_mem, self.tau_syn)  # nothing is left beyond it
        left = mpf(0)
        for right in [far] if turn is None else [turn, far]:
            if self.voltage(right) > theta:
                return self._rising_root(theta, left, right)
            left = right
        return None

    def _rising_root(self, theta: mpf, left: mpf, right: mpf) -> mpf:
        """The one root of V(s) - theta between ``left`` (below) and ``right`` (above): bracketed Newton."""
        s = (left + right) / 2
        for _ in range(1000):
            above = self.voltage(s) - theta
            left, right = (left, s) if above > 0 else (s, right)
            slope = self.slope(s)
            step = above / slope if slope > 0 else mp.inf
            if abs(step) < (s + self.tau_mem) * mpf(10) ** (10 - mp.dps):  # the last step squares it
                return s - step
            s = s - step if left < s - step < right else (left + right) / 2
        raise ArithmeticError(f"no root to {mp.dps} digits between {left} and {right}")


def response(s: mpf, tau_mem: mpf, tau_syn: mpf) -> tuple[mpf, mpf, mpf, mpf]:
    """exp(-s/tau_mem), k(s) and the derivatives of k with respect to tau_mem and tau_syn."""
    if 0 < abs(tau_mem - tau_syn) < 1e-3 * tau_mem:
        with mp.workdps(mp.dps + 40):  # differences of nearly equal float64 cancel up to 2 x 16 digits
            return _response(s, tau_mem, tau_syn)
    return _response(s, tau_mem, tau_syn)


def _response(s: mpf, tau_mem: mpf, tau_syn: mpf) -> tuple[mpf, mpf, mpf, mpf]:
    a, b = 1 / tau_mem, 1 / tau_syn
    exp_a, exp_b = mp.exp(-a * s), mp.exp(-b * s)
    if a == b:
        overlap, by_a, by_b = s * exp_a, -(s**2) / 2 * exp_a, -(s**2) / 2 * exp_a
    else:
        overlap = (exp_a - exp_b) / (b - a)
        by_a = (overlap - s * exp_a) / (b - a)
        by_b = (s * exp_b - overlap) / (b - a)
    return exp_a, a * overlap, -(a**2) * (overlap + a * by_a), -a * b**2 * by_b
