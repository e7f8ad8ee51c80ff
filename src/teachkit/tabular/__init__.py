"""Regression on tables: many random splits, honest errors in the unit of the target, and hunting for leaks.

models           six recipes, from "always the mean" to a small network
repeat_splits    a fresh model for every random split; errors with intervals that know about shared rows
leak_detective   take columns away and watch the error
formula          an error as a formula that is printed and evaluated
features         what a ruler can measure on pictures of nuclei, as a table
"""

from teachkit.tabular.estimators import models as models
from teachkit.tabular.formulae import Formula as Formula
from teachkit.tabular.formulae import formula as formula
from teachkit.tabular.leaks import LeakDetective as LeakDetective
from teachkit.tabular.leaks import leak_detective as leak_detective
from teachkit.tabular.nuclei import features as features
from teachkit.tabular.repeats import Repeats as Repeats
from teachkit.tabular.repeats import corrected_interval as corrected_interval
from teachkit.tabular.splitting import repeat_splits as repeat_splits
