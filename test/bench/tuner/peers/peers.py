"""Peers of the tuner's bench behind one protocol: a JSON object a line in, a JSON object a line out.

  {"open": {"method", "knobs", "start", "limits", "budget", "seed"}} -> {"opened": true}
  {"ask": true}                                                     -> {"values": {...}}
  {"tell": {"value", "metrics", "unsafe"} | {"rejected": n}}        -> {"told": true}
  {"best": true}                                                    -> {"values": {...}}

One session at a time; `open` drops the one before. Every session is told the start first.
"""

import json
import math
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # after the number of its threads is set

REJECTED = 20.0
# Random configurations after the start, where a model needs some.
DESIGN = 5
# Of the Gaussian process: restarts of its fit (default 5) and local searches for the best proposal (default
# 10); with the defaults a proposal takes 4 s of CPU and the table 3 hours.
RESTARTS = 1
LOCAL_SEARCHES = 1
# Variance of the noise as a part of that of all values; the default takes values for exact, and is then drawn
# to the luckiest one again and again.
NOISE = 0.05
# How far above a limit is told to a Gaussian process at most, on the logarithm: outliers would flatten all else.
MOST_EXCESS = 3.0


def inactive(knob, values):
    by = knob.get("deactivatedBy")
    return by is not None and values.get(by["knob"]) == by["value"]


def violations(told, limits):
    """How far each limit is exceeded, as a logarithm; above 0 is broken. A collapse and a rejection count, too.

    What is rejected counts as worse than any collapse. Otherwise a method that ranks what breaks limits by
    how far it breaks them would be drawn to what cannot be run at all.
    """
    if "rejected" in told:
        return {"rejected": REJECTED * told["rejected"]}
    excess = {
        limit["metric"]: math.log(max(told["metrics"][limit["metric"]], 1e-9) / limit["max"]) for limit in limits
    }
    broken = any(value > 0 for value in excess.values())
    return {**excess, "collapse": 1.0 if told["unsafe"] and not broken else 0.0}


class Tpe:
    """Optuna's TPE with its defaults; limits as constraints (Trial.set_constraint)."""

    def __init__(self, session):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.session = session
        sampler = optuna.samplers.TPESampler(seed=session["seed"])
        self.study = optuna.create_study(direction="minimize", sampler=sampler)
        knobs = session["knobs"]
        start = session["start"]
        self.study.enqueue_trial({k["name"]: start[k["name"]] for k in knobs if not inactive(k, start)})
        self.worst = None

    def ask(self):
        self.trial = self.study.ask()
        values = {}
        for knob in self.session["knobs"]:
            name, kind = knob["name"], knob["kind"]
            if inactive(knob, values):
                values[name] = self.session["start"][name]
            elif kind == "integer":
                log = knob["scale"] == "log"
                values[name] = self.trial.suggest_int(name, knob["low"], knob["high"], log=log)
            elif kind == "real":
                log = knob["scale"] == "log"
                values[name] = self.trial.suggest_float(name, knob["low"], knob["high"], log=log)
            else:
                choices = [False, True] if kind == "boolean" else knob["choices"]
                values[name] = self.trial.suggest_categorical(name, choices)
        return values

    def tell(self, told):
        for name, excess in violations(told, self.session["limits"]).items():
            self.trial.set_constraint(name, excess)
        if "value" in told:
            self.worst = max(self.worst or 0.0, told["value"])
        self.study.tell(self.trial, told.get("value", self.worst))

    def best(self):
        try:
            found = self.study.best_trial.params
        except ValueError:
            found = {}
        return {**self.session["start"], **found}

    def close(self):
        pass


class Bayes:
    """Bayesian optimization over a Gaussian process, with the package's own defaults (Nogueira 2014).

    Expected improvement times the probability that the constraint holds (Gardner et al. 2014); the limits
    are one constraint, how far the worst of them is exceeded. Values are learnt on the logarithm, numbers
    on the unit interval of their scale. DESIGN random configurations follow the start, as its own
    `maximize` has it.
    """

    def __init__(self, session):
        from bayes_opt import BayesianOptimization, acquisition
        from scipy.optimize import NonlinearConstraint

        self.session = session
        # Switches and categories as numbers, one for each choice: the package's own kinds of parameters cost
        # half a minute of CPU for a proposal, as its acquisition is then maximised by differential evolution.
        bounds = {name: (0.0, 1.0) for knob in session["knobs"] for name in self.parts(knob)}
        self.acquisition = acquisition.ExpectedImprovement(xi=0.01)
        self.search = BayesianOptimization(
            f=None,
            pbounds=bounds,
            acquisition_function=self.acquisition,
            constraint=NonlinearConstraint(lambda **_: 0.0, -np.inf, 0.0),
            random_state=session["seed"],
            verbose=0,
            allow_duplicate_points=True,
        )
        self.search.set_gp_params(n_restarts_optimizer=RESTARTS, alpha=NOISE)
        self.random = np.random.RandomState(session["seed"])
        self.asked = 0
        self.held = []
        self.worst = 0.0

    @staticmethod
    def choices(knob):
        return [False, True] if knob["kind"] == "boolean" else knob.get("choices")

    @classmethod
    def parts(cls, knob):
        """The package's parameters for a knob."""
        name, choices = knob["name"], cls.choices(knob)
        if choices is None or len(choices) == 2:
            return [name]
        return [f"{name}={choice}" for choice in choices]

    @staticmethod
    def along(knob, value):
        """Where a number lies on the unit interval of its scale."""
        low, high = knob["low"], knob["high"]
        if knob["scale"] == "log":
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    @staticmethod
    def number(knob, share):
        low, high = knob["low"], knob["high"]
        value = low * (high / low) ** share if knob["scale"] == "log" else low + share * (high - low)
        return min(high, max(low, round(value))) if knob["kind"] == "integer" else float(value)

    def point(self, values):
        point = {}
        for knob in self.session["knobs"]:
            value, choices = values[knob["name"]], self.choices(knob)
            parts = self.parts(knob)
            if choices is None:
                point[parts[0]] = self.along(knob, value)
            elif len(parts) == 1:
                point[parts[0]] = float(choices.index(value))
            else:
                point.update({part: float(value == choice) for part, choice in zip(parts, choices)})
        return point

    def values(self, point):
        values = {}
        for knob in self.session["knobs"]:
            name, choices = knob["name"], self.choices(knob)
            shares = [float(point[part]) for part in self.parts(knob)]
            if inactive(knob, values):
                values[name] = self.session["start"][name]
            elif choices is None:
                values[name] = self.number(knob, shares[0])
            elif len(shares) == 1:
                values[name] = choices[round(shares[0])]
            else:
                values[name] = choices[int(np.argmax(shares))]
        return values

    def drawn(self):
        """A configuration at random."""
        return {part: self.random.uniform() for knob in self.session["knobs"] for part in self.parts(knob)}

    def ask(self):
        if self.asked == 0:
            self.current = dict(self.session["start"])
        elif self.asked <= DESIGN or not self.held:
            self.current = self.values(self.drawn())
        else:
            self.current = self.values(self.proposed())
        return self.current

    def proposed(self):
        """As its own `suggest`, with fewer local searches."""
        space = self.search.space
        found = self.acquisition.suggest(
            gp=self.search._gp, target_space=space, n_smart=LOCAL_SEARCHES, random_state=self.random
        )
        return space.array_to_params(found)

    def tell(self, told):
        excess = max(violations(told, self.session["limits"]).values())
        value = told.get("value")
        # What cannot be run takes none of the design, or none would be left of it.
        if "rejected" not in told:
            self.asked += 1
        if value is not None:
            self.worst = max(self.worst, value)
            if excess <= 0:
                self.held.append((value, self.current))
        self.search.register(
            self.point(self.current), -math.log(value or self.worst), min(excess, MOST_EXCESS)
        )

    def best(self):
        if not self.held:
            return self.session["start"]
        return min(self.held, key=lambda one: one[0])[1]

    def close(self):
        pass


def make(session):
    return Tpe(session) if session["method"] == "tpe" else Bayes(session)


def main():
    # Whatever a library prints goes elsewhere: standard output belongs to the protocol.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    search = None
    for line in sys.stdin:
        message = json.loads(line)
        try:
            if "open" in message:
                if search is not None:
                    search.close()
                search = make(message["open"])
                answer = {"opened": True}
            elif "ask" in message:
                answer = {"values": search.ask()}
            elif "tell" in message:
                search.tell(message["tell"])
                answer = {"told": True}
            else:
                answer = {"values": search.best()}
        except Exception as error:  # the other side must hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer) + "\n")
    if search is not None:
        search.close()


if __name__ == "__main__":
    main()
