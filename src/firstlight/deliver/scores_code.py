"""The scores of a report as NumPy code."""

from __future__ import annotations

CLASSES_FOR_TOP_3 = 6
CLASSES = """\
predicted = {predicted}
scores = {{"loss": loss, "accuracy": np.mean(predicted == test_labels)}}
{top_3}print("class           images  precision  recall")
for number, name in enumerate(classes):
    true, called = test_labels == number, predicted == number
    right = np.sum(true & called)
    precision, recall = right / max(called.sum(), 1), right / max(true.sum(), 1)
    print(f"{{name:15}} {{true.sum():6}} {{precision:10.3f}} {{recall:7.3f}}")"""
TOP_3 = """\
best_three = np.argsort(-answers, axis=1)[:, :3]
scores["top_3"] = np.mean((best_three == test_labels[:, None]).any(axis=1))
"""
VALUES = """\
errors = values - test_values
variances = test_values.var(axis=0)
scores = {
    "loss": loss,
    "rmse": np.sqrt(np.mean(errors**2)),
    "mae": np.mean(np.abs(errors)),
    "bias": np.mean(errors),
    "r2": np.mean(1 - np.mean(errors**2, axis=0) / variances),
}"""
EACH = """
for number, name in enumerate(targets):
    error = errors[:, number]
    scores[f"rmse of {name}"] = np.sqrt(np.mean(error**2))
    scores[f"mae of {name}"] = np.mean(np.abs(error))
    scores[f"bias of {name}"] = np.mean(error)
    scores[f"r2 of {name}"] = 1 - np.mean(error**2) / variances[number]"""


def class_scores_code(outputs: int, classes: int) -> str:
    """Loss, accuracy and, from six classes on, `top_3`; precision and recall of each class.

    Args:
        outputs: how many numbers the network answers with: 1 is the probability of the second of
            two classes.
        classes: how many classes there are.
    """
    predicted = "(answers[:, 0] > 0.5).astype(int)" if outputs == 1 else "answers.argmax(axis=1)"
    top_3 = TOP_3 if classes >= CLASSES_FOR_TOP_3 else ""
    return CLASSES.format(predicted=predicted, top_3=top_3)


def value_scores_code(targets: int, with_spread: bool) -> str:
    """Root mean squared error, mean absolute error, bias and r2, of each target and of all.

    Args:
        targets: how many are measured.
        with_spread: the second half of the answers are logarithms of standard deviations.
    """
    lines = ["values = answers.astype(float)"]
    if with_spread:
        lines = [
            "values, logarithms = np.split(answers.astype(float), 2, axis=1)",
            'print("standard deviations that it states:", np.exp(logarithms).mean(axis=0))',
        ]
    return "\n".join([*lines, VALUES + (EACH if targets > 1 else "")])
