"""Peers of the tuner's bench behind one protocol: a JSON object a line in, a JSON object a line out.

  {"open": {"method", "knobs", "start", "limits", "budget", "seed"}} -> {"opened": true}
  {"ask": true}                                                     -> {"values": {...}}
  {"tell": {"value", "metrics", "unsafe"} | {"rejected": n}}        -> {"told": true}
  {"best": true}                                                    -> {"values": {...}}

One session at a time; `open` drops the one before. Every session is told the start first.
"""

import json
import logging
import math
import os
import shutil
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# What a broken limit costs where a method knows no constraints: so many times the start's value at least.
PENALTY = 3.0
REJECTED = 20.0
# Of SMAC: first configurations after the start, and random ones that its local search begins at.
DESIGN = 4
CHALLENGERS = 1000


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


class Smac:
    """SMAC3: random forest (its facade for many knobs) or Gaussian process (its facade for black boxes).

    It has no constraints: what is unsafe costs at least PENALTY times the start's value. Values are
    learnt on the logarithm. Set for few evaluations: a Sobol design of only four follows the start, and
    the model is learnt anew after every evaluation (its default is every eighth).
    """

    def __init__(self, session):
        import smac
        from ConfigSpace import Configuration, ConfigurationSpace, EqualsCondition, NotEqualsCondition
        from ConfigSpace.hyperparameters import (
            CategoricalHyperparameter,
            UniformFloatHyperparameter,
            UniformIntegerHyperparameter,
        )

        for name in ("smac", "ConfigSpace"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.session = session
        self.gaussian = session["method"] == "smac-gp"
        self.folder = tempfile.mkdtemp(prefix="speed-gate-smac-")
        space = ConfigurationSpace(seed=session["seed"])
        start = session["start"]
        made = {}
        for knob in session["knobs"]:
            name, kind = knob["name"], knob["kind"]
            if kind in ("integer", "real"):
                make = UniformIntegerHyperparameter if kind == "integer" else UniformFloatHyperparameter
                made[name] = make(
                    name, knob["low"], knob["high"], log=knob["scale"] == "log", default_value=start[name]
                )
            else:
                choices = ["false", "true"] if kind == "boolean" else knob["choices"]
                made[name] = CategoricalHyperparameter(name, choices, default_value=self.word(start[name]))
        space.add(list(made.values()))
        for knob in session["knobs"]:
            by = knob.get("deactivatedBy")
            if by is not None:
                condition = NotEqualsCondition(made[knob["name"]], made[by["knob"]], self.word(by["value"]))
                space.add(condition)
        facade = smac.BlackBoxFacade if self.gaussian else smac.HyperparameterOptimizationFacade
        scenario = smac.Scenario(
            space,
            output_directory=self.folder,
            # Otherwise it spends every other evaluation on repeating its incumbent.
            deterministic=True,
            n_trials=1_000_000,
            seed=session["seed"],
        )
        self.smac = facade(
            scenario,
            None,
            initial_design=facade.get_initial_design(scenario, n_configs=DESIGN),
            config_selector=facade.get_config_selector(scenario, retrain_after=1),
            acquisition_maximizer=facade.get_acquisition_maximizer(scenario, challengers=CHALLENGERS),
            logging_level=False,
            overwrite=True,
        )
        self.start_config = space.get_default_configuration()
        self.started = False
        self.first = None
        self.info = None

    @staticmethod
    def word(value):
        return ("true" if value else "false") if isinstance(value, bool) else value

    def values(self, config):
        found = dict(config)
        result = {}
        for knob in self.session["knobs"]:
            name = knob["name"]
            value = found.get(name, self.session["start"][name])
            if knob["kind"] == "boolean" and not isinstance(value, bool):
                value = str(value) == "true"
            elif knob["kind"] == "integer":
                value = int(value)
            elif knob["kind"] == "real":
                value = float(value)
            elif knob["kind"] == "categorical":
                value = str(value)
            result[name] = value
        return result

    def ask(self):
        from smac.runhistory.dataclasses import TrialInfo

        if not self.started:
            self.started = True
            self.info = TrialInfo(self.start_config, seed=0)
        else:
            self.info = self.smac.ask()
        return self.values(self.info.config)

    def tell(self, told):
        from smac.runhistory.dataclasses import TrialValue

        value = told.get("value")
        if self.first is None:
            self.first = value
        if value is None or any(v > 0 for v in violations(told, self.session["limits"]).values()):
            # Bounded above, too, or a collapse would flatten everything else.
            value = min(max(value or 0.0, PENALTY * self.first), 2 * PENALTY * self.first)
        cost = math.log(value) if self.gaussian else value
        self.smac.tell(self.info, TrialValue(cost=cost), save=False)

    def best(self):
        incumbent = self.smac.intensifier.get_incumbent()
        return self.session["start"] if incumbent is None else self.values(incumbent)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def make(session):
    return Tpe(session) if session["method"] == "tpe" else Smac(session)


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
