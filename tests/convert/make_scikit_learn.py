# SPDX-License-Identifier: Apache-2.0
"""Small models of scikit-learn: python make_scikit_learn.py FOLDER"""
import os
import pickle
import sys

import joblib
import numpy as np
import pandas
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

os.chdir(sys.argv[1])
x, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])[y]
columns = pandas.DataFrame(x, columns=["sepal length", "sepal width", "petal length", "petal width"])
by_name = ColumnTransformer([("wide", StandardScaler(), ["sepal width", "petal width"]), ("long", MinMaxScaler(), ["petal length"])])

MODELS = {
    "linear": (LinearRegression(), x, x[:, 0] * 2 + y), "logistic": (LogisticRegression(max_iter=500), x, y), "two_classes": (LogisticRegression(), x, y > 0),
    "strings": (make_pipeline(StandardScaler(), LogisticRegression()), x, names), "mlp": (MLPClassifier((16,), max_iter=50), x, y),
    "tree": (DecisionTreeClassifier(random_state=1), x, y), "forest": (RandomForestClassifier(20, random_state=1), x, y), "forest_two_classes": (RandomForestClassifier(9, random_state=1), x, y > 0),
    "forest_regression": (RandomForestRegressor(20, random_state=1), x, y * 1.0), "boosting": (GradientBoostingClassifier(n_estimators=10, random_state=1), x, y),
    "boosting_two_classes": (GradientBoostingClassifier(n_estimators=10, random_state=1), x, y > 0), "boosting_regression": (GradientBoostingRegressor(n_estimators=10, random_state=1), x, y * 1.0),
    "histograms": (HistGradientBoostingClassifier(max_iter=10), x, y), "means": (KMeans(3, n_init=3, random_state=1), x, None),
    "columns": (make_pipeline(by_name, LogisticRegression()), columns, y), "svc": (SVC(), x, y),
}
for name, (model, inputs, targets) in MODELS.items():
    with open(f"{name}.pkl", "wb") as f:
        pickle.dump(model.fit(inputs, targets), f)
joblib.dump(make_pipeline(StandardScaler(), PCA(3), LogisticRegression()).fit(x, y), "packed.joblib", compress=3)
joblib.dump(MLPClassifier((8,), max_iter=20).fit(x, y), "plain.joblib")
