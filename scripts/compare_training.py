#!/usr/bin/env python3
"""Compares the final layers that cartoonctl trains with each other and with scikit-learn's, on folders of pictures.

    python3 scripts/compare_training.py flowers tiles                      all pictures: five folds
    python3 scripts/compare_training.py flowers tiles --sizes 10 20        and 10 and 20 pictures a class, five draws

A row a folder and a last one of means; a cell holds accuracy, cross entropy and calibration error (ten bins). The columns: the
network's last layer alone and the default, both trained by cartoonctl; with --best, what --quality best chooses; and
scikit-learn's logistic regression (LogisticRegressionCV over ten strengths by log loss, five folds) and linear discriminant
analysis (Ledoit and Wolf's shrinkage) on the default's bottlenecks, standardized. These two see the bottlenecks rotated into
the space of the training rows, which changes no inner product. Copies and near duplicates lie on one side: cartoonctl deals
its folds so by itself, and the groups of this script are pictures whose standardized bottlenecks have a cosine above 0.85.

Where scikit-learn is missing, a virtual environment is made (outside the project, --venv) and the script starts again in it.
"""
import argparse, csv, json, os, subprocess, sys, tempfile, warnings

import environment

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default=".build/release/cartoonctl")
parser.add_argument("--sizes", type=int, nargs="*", default=[], help="numbers of training pictures a class")
parser.add_argument("--draws", type=int, default=5)
parser.add_argument("--best", action="store_true", help="a column of --quality best, which takes minutes a folder")
parser.add_argument("--last_layer", default="features", help="the tensor of the network's last layer")
parser.add_argument("--bottleneck_dir", help="the cache of bottlenecks")
parser.add_argument("--venv", default=os.path.expanduser("~/.cache/cartoonctl/training"))
parser.add_argument("folders", nargs="+", help="folders with a folder of pictures a class")
arguments = parser.parse_args()

try:
    import numpy as np
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
except ImportError as error:
    environment.restart(arguments.venv, ["numpy>=1.26", "scikit-learn>=1.4,<1.8"], error)

# scikit-learn tells of defaults that later versions change.
warnings.filterwarnings("ignore", category=FutureWarning)

CACHE = ["--bottleneck_dir", arguments.bottleneck_dir] if arguments.bottleneck_dir else []
SETTINGS = {"last layer": ["--taps", arguments.last_layer], "default": []}


def run(*words):
    done = subprocess.run([arguments.program, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def scores(text):
    result = json.loads(text)
    return [result["accuracy"], result["cross_entropy"], result["calibration_error"]]


def measured(probabilities, labels):
    """Accuracy, cross entropy and calibration error, as `evaluate` computes them."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    loss = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1.2e-38)).mean()
    bins = np.clip(np.ceil(confidence * 10).astype(int) - 1, 0, 9)
    error = sum(abs((confidence - right)[bins == b].sum()) for b in range(10)) / len(labels)
    return [right.mean(), loss, error]


class Folder:
    """The default's bottlenecks of a folder's pictures."""

    def __init__(self, path):
        self.path = path
        with tempfile.TemporaryDirectory() as out:
            run("bottlenecks", "export", out, "--image_dir", path, *CACHE)
            self.rows = np.load(os.path.join(out, "bottlenecks.npy"))
            with open(os.path.join(out, "pictures.csv"), newline="") as file:
                pictures = list(csv.DictReader(file))
        self.paths = [picture["path"] for picture in pictures]
        self.names = [picture["label"] for picture in pictures]
        self.labels = np.unique(self.names, return_inverse=True)[1]
        z = StandardScaler().fit_transform(self.rows)
        z /= np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-30)
        alike = z @ z.T > 0.85
        self.groups = np.arange(len(z))
        for i in range(len(z)):
            for j in np.flatnonzero(alike[i, :i]):
                self.groups[self.groups == self.groups[i]] = self.groups[j]

    def peer(self, make, parts):
        """The scores of scikit-learn's layers over (training, test) parts together."""
        probabilities, labels = [], []
        for training, test in parts:
            model = make_pipeline(StandardScaler(), PCA(), make()).fit(self.rows[training], self.labels[training])
            probabilities.append(model.predict_proba(self.rows[test]))
            labels.append(self.labels[test])
        return measured(np.concatenate(probabilities), np.concatenate(labels))

    def ours(self, flags, training, test):
        """The scores on test pictures of the layer that is trained on others."""
        with tempfile.TemporaryDirectory() as out:
            def listed(rows):
                path = os.path.join(out, "list")
                with open(path, "w") as file:
                    file.writelines(f"{self.paths[i]}\t{self.names[i]}\ttrain\n" for i in rows)
                return path

            graph, labels = os.path.join(out, "graph.pb"), os.path.join(out, "labels.txt")
            run("retrain", "--image_list", listed(training), "--output_graph", graph, "--output_labels", labels, *flags, *CACHE)
            path = os.path.join(out, "test")
            with open(path, "w") as file:
                file.writelines(f"{self.paths[i]}\t{self.names[i]}\n" for i in test)
            return scores(run("evaluate", "--graph", graph, "--image_list", path, "--json"))

    def draw(self, size, seed):
        """That many pictures of each class at random, and all that are no near duplicates of theirs."""
        order = np.random.default_rng(seed).permutation(len(self.labels))
        training = np.concatenate([order[self.labels[order] == c][:size] for c in range(self.labels.max() + 1)])
        return training, np.flatnonzero(~np.isin(self.groups, self.groups[training]))


PEERS = {
    "logistic regression": lambda: LogisticRegressionCV(Cs=10, cv=5, scoring="neg_log_loss", max_iter=2000),
    "discriminant analysis": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
}


def all_pictures(folder):
    cells = [scores(run("evaluate", "--folds", "5", "--image_dir", folder.path, "--json", *f, *CACHE)) for f in SETTINGS.values()]
    if arguments.best:
        cells.append(scores(run("evaluate", "--folds", "5", "--image_dir", folder.path, "--quality", "best", "--json", *CACHE)))
    parts = list(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(folder.rows, folder.labels, folder.groups))
    return cells + [folder.peer(make, parts) for make in PEERS.values()]


def few(folder, size):
    draws = [folder.draw(size, seed) for seed in range(arguments.draws)]
    cells = [np.mean([folder.ours(flags, *draw) for draw in draws], 0) for flags in SETTINGS.values()]
    return cells + [np.mean([folder.peer(make, [draw]) for draw in draws], 0) for make in PEERS.values()]


def table(title, columns, rows):
    print(f"\n| {title} | " + " | ".join(columns) + " |\n| --- |" + " --- |" * len(columns))
    rows = rows + ([("mean", np.mean([cells for _, cells in rows], 0))] if len(rows) > 1 else [])
    for name, cells in rows:
        print(f"| {name} | " + " | ".join(", ".join(f"{number:.3f}" for number in cell) for cell in cells) + " |", flush=True)


folders = [Folder(path) for path in arguments.folders]
names = [os.path.basename(os.path.normpath(path)) for path in arguments.folders]
best = ["best"] if arguments.best else []
table("all pictures", [*SETTINGS, *best, *PEERS], [(n, all_pictures(f)) for n, f in zip(names, folders)])
for size in arguments.sizes:
    table(f"{size} a class", [*SETTINGS, *PEERS], [(n, few(f, size)) for n, f in zip(names, folders)])
