#!/usr/bin/env python3
"""Boosting beside LightGBM on tables of people and things, in one run.

    python3 benches/boosting.py TILLWISE [NAME...]

needs lightgbm, scikit-learn, lifelines, numpy and pandas, and the real data sets in $TILLWISE_DATASETS. Each data set is cut into five parts by a
seed. `tillwise contract --model boosting` gives every row the probability of a model that has not seen it, calibrated as it always is;
LightGBM's defaults (categories as they are) give the same, as they come and calibrated by Platt's scaling on the other parts. Leaves, depth and rounds of ours are
chosen on all five parts, so a little of each part is known; of LightGBM nothing is chosen. The table has
AUC and Brier score, and the difference with its 95 % interval over pairs of rows drawn again a thousand times."""
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import lightgbm
import numpy as np
import pandas as pd
from sklearn import datasets as of_sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

warnings.filterwarnings("ignore")
SEEDS = range(int(os.environ.get("SEEDS", "3")))


def tables():
    home = pathlib.Path(os.environ["TILLWISE_DATASETS"])
    telco = pd.read_csv(home / "telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv").drop(columns="customerID")
    telco["TotalCharges"] = pd.to_numeric(telco["TotalCharges"], errors="coerce")
    yield "telco", telco.rename(columns={"Churn": "label"}).replace({"label": {"Yes": 1, "No": 0}})
    bank = pd.read_csv(home / "bank_marketing/bank-full.csv", sep=";").rename(columns={"y": "label"})
    bank["label"] = (bank["label"] == "yes").astype(int)
    yield "bank", bank
    yield "bank without duration", bank.drop(columns="duration")
    leads = pd.read_csv(home / "leads/Leads.csv").drop(columns=["Prospect ID", "Lead Number"])
    yield "leads", leads.rename(columns={"Converted": "label"})
    cancer = of_sklearn.load_breast_cancer(as_frame=True).frame.rename(columns={"target": "label"})
    yield "breast cancer", cancer
    digits = of_sklearn.load_digits(as_frame=True).frame
    yield "digits above four", digits.assign(label=(digits["target"] > 4).astype(int)).drop(columns="target")
    wine = of_sklearn.load_wine(as_frame=True).frame
    yield "wine of the second kind", wine.assign(label=(wine["target"] == 1).astype(int)).drop(columns="target")
    from lifelines import datasets as of_lifelines
    rossi = of_lifelines.load_rossi().drop(columns="week").rename(columns={"arrest": "label"})
    yield "arrests", rossi
    for n, flips in [(2000, 0.1), (20000, 0.1), (20000, 0.3)]:
        x, y = of_sklearn.make_classification(n, 20, n_informative=8, n_redundant=4, flip_y=flips, random_state=n)
        made = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])
        yield f"made, {n} rows, {flips:.0%} flipped", made.assign(label=y)


def of_tillwise(binary, table, seed):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        table.to_csv(folder / "table.csv", index=False)
        done = subprocess.run(
            [binary, "contract", "table.csv", "--label", "label", "--left", "1", "--model", "boosting", "--seed", str(seed), "--out", "out"],
            cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        scored = pd.read_parquet(folder / "out/contract_customers.parquet")
        scored["customer_id"] = scored["customer_id"].astype(int)
        return scored.sort_values("customer_id")["churn_probability_unseen"].to_numpy()


def of_lightgbm(table, seed):
    y = table["label"].to_numpy()
    x = table.drop(columns="label").copy()
    x.columns = [f"c{i}" for i in range(x.shape[1])]
    for name in x.columns:
        if x[name].dtype == object:
            x[name] = x[name].astype("category")
    plain, calibrated = np.zeros(len(y)), np.zeros(len(y))
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, y):
        fit = lambda rows: lightgbm.LGBMClassifier(random_state=seed, verbose=-1, n_jobs=2).fit(x.iloc[rows], y[rows])
        plain[test] = fit(train).predict_proba(x.iloc[test])[:, 1]
        inner = np.zeros(len(train))
        for a, b in StratifiedKFold(5, shuffle=True, random_state=seed).split(x.iloc[train], y[train]):
            inner[b] = fit(train[a]).predict_proba(x.iloc[train[b]])[:, 1]
        odds = lambda p: np.log(np.clip(p, 1e-9, 1 - 1e-9) / (1 - np.clip(p, 1e-9, 1 - 1e-9))).reshape(-1, 1)
        scale = LogisticRegression(C=1e6).fit(odds(inner), y[train])
        calibrated[test] = scale.predict_proba(odds(plain[test]))[:, 1]
    return plain, calibrated


def interval(measure, y, pairs):
    draw = np.random.default_rng(7)
    differences = []
    for _ in range(1000 if len(y) < 10000 else 200):
        rows = draw.integers(0, len(y), len(y))
        if 0 < y[rows].sum() < len(rows):
            differences.append(np.mean([measure(y[rows], a[rows]) - measure(y[rows], b[rows]) for a, b in pairs]))
    return np.quantile(differences, [0.025, 0.975])


def main():
    binary, names = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:]
    print("| table | rows | AUC ours | LightGBM | difference | Brier ours | LightGBM | calibrated | difference to the better |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, table in tables():
        if names and name not in names:
            continue
        y = table["label"].to_numpy()
        ours = [of_tillwise(binary, table, s) for s in SEEDS]
        theirs = [of_lightgbm(table, s) for s in SEEDS]
        mean = lambda f: np.mean([f(i) for i in range(len(ours))])
        auc, auc_l = mean(lambda i: roc_auc_score(y, ours[i])), mean(lambda i: roc_auc_score(y, theirs[i][0]))
        brier = mean(lambda i: brier_score_loss(y, ours[i]))
        plain, scaled = (mean(lambda i: brier_score_loss(y, theirs[i][k])) for k in (0, 1))
        better = 0 if plain < scaled else 1
        low, high = interval(roc_auc_score, y, [(o, t[0]) for o, t in zip(ours, theirs)])
        b_low, b_high = interval(brier_score_loss, y, [(o, t[better]) for o, t in zip(ours, theirs)])
        print(f"| {name} | {len(y)} | {auc:.4f} | {auc_l:.4f} | {auc - auc_l:+.4f} ({low:+.4f} to {high:+.4f}) | {brier:.4f} | {plain:.4f} | {scaled:.4f} | "
              f"{brier - min(plain, scaled):+.4f} ({b_low:+.4f} to {b_high:+.4f}) |", flush=True)


main()
