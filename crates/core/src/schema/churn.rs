//! Tables of churn and survival.

use super::{Column, Kind, col, opt};

/// One row per leaf of the churn tree.
pub const CHURN_RULES: &[Column] = &[
    col("churn_rule_id", Kind::Int32, "the leaf, 1 has the highest churn probability"),
    col("rule", Kind::Text, "the way to the leaf, in words"),
    col("churn_probability", Kind::Float, "the leaf's probability, before calibration"),
    col("training_rows", Kind::Int64, "training rows in the leaf"),
    col("training_churners", Kind::Int64, "those of them that churned"),
    col(
        "customers",
        Kind::Int64,
        "active customers in the leaf as of the run: those of churn_eligible (with a contract: all)",
    ),
    col("expected_churners", Kind::Float, "how many of them are expected to churn"),
    col(
        "net_revenue_365d",
        Kind::Float,
        "what those customers spent in the last 365 days (with a contract: their value)",
    ),
    col("revenue_at_stake", Kind::Float, "that, times each customer's probability of churn"),
];

/// Long table of how well models did.
pub const CHURN_METRICS: &[Column] = &[
    col(
        "model",
        Kind::Text,
        "tree, forest, boosting, logistic, neural; or a baseline: recency_only, p_alive",
    ),
    col("chosen", Kind::Bool, "whether it gives the probabilities"),
    opt("cutoff", Kind::Date, "the judged cutoff; null where rows were judged in folds"),
    col("metric", Kind::Text, "auc, brier, log_loss, lift_decile_1, ..."),
    opt("value", Kind::Float, "its value; null where it is undefined"),
    opt("low", Kind::Float, "lower end of its 95 % bootstrap interval"),
    opt("high", Kind::Float, "upper end"),
];

/// The reliability table.
pub const CHURN_RELIABILITY: &[Column] = &[
    col("bin", Kind::Int32, "1 holds the least likely to churn"),
    col("rows", Kind::Int64, "judged rows"),
    col("churners", Kind::Int64, "those that churned"),
    col("expected", Kind::Float, "their mean probability"),
    col("actual", Kind::Float, "the share that churned"),
];

/// Cumulative gains.
pub const CHURN_GAINS: &[Column] = &[
    col("decile", Kind::Int32, "tenths of the judged rows up to this one, the most likely first"),
    col("rows", Kind::Float, "rows up to it"),
    col("churners", Kind::Float, "churners among them; of equal probabilities across the border in part"),
    col("captured", Kind::Float, "their share of all churners"),
    col("lift", Kind::Float, "churn rate up to it, over the overall rate"),
];

/// What each feature counts for.
pub const CHURN_IMPORTANCE: &[Column] = &[
    col("feature", Kind::Text, "the feature"),
    col("impurity", Kind::Float, "its share of what the tree's splits lower the impurity by"),
    opt(
        "permutation",
        Kind::Float,
        "what the chosen model's AUC loses when it is shuffled; null where rows were judged in folds",
    ),
];

/// Whom to save.
pub const CHURN_TARGETS: &[Column] = &[
    col("place", Kind::Int32, "1 is the most profitable"),
    col("customer_id", Kind::Text, "the customer"),
    col("churn_probability", Kind::Float, "probability of churn"),
    col("customer_value", Kind::Float, "what is at stake"),
    col(
        "expected_profit",
        Kind::Float,
        "probability times response rate times value saved, less the cost of the offer",
    ),
    col("cumulative_cost", Kind::Float, "cost of offers up to this one"),
    col("churn_rule_id", Kind::Int32, "the leaf of the churn tree"),
    opt("reason", Kind::Text, "what raises the probability most"),
];

/// Customers of a contract.
pub const CONTRACT_CUSTOMERS: &[Column] = &[
    col("customer_id", Kind::Text, "the customer"),
    col("has_left", Kind::Bool, "the label"),
    col("churn_probability", Kind::Float, "probability of leaving, by a model that has seen the customer"),
    col("churn_probability_unseen", Kind::Float, "the same by a model of the other folds: what was judged"),
    col(
        "churn_decile",
        Kind::Int32,
        "1 holds the tenth most likely to leave; equal probabilities share a decile",
    ),
    col("churn_rule_id", Kind::Int32, "the leaf of the churn tree, see churn_rules"),
    opt("churn_reason_1", Kind::Text, "what raises the tree's probability most"),
    opt("churn_reason_2", Kind::Text, "what raises it next"),
    opt("churn_reason_3", Kind::Text, "and next"),
];

/// Survival curves.
pub const SURVIVAL: &[Column] = &[
    col("group_by", Kind::Text, "all, or the column of the groups"),
    opt("group", Kind::Text, "its value"),
    col("time", Kind::Float, "the tenure"),
    col("at_risk", Kind::Int64, "customers still there just before"),
    col("events", Kind::Int64, "those who left then"),
    col("survival", Kind::Float, "share that stays longer (Kaplan-Meier)"),
    col("standard_error", Kind::Float, "its standard error (Greenwood)"),
];

/// Do the groups differ?
pub const SURVIVAL_TESTS: &[Column] = &[
    col("group_by", Kind::Text, "the column of the groups"),
    col("groups", Kind::Int32, "groups compared"),
    col("statistic", Kind::Float, "log-rank chi-squared"),
    col("degrees", Kind::Int32, "degrees of freedom"),
    col("p_value", Kind::Float, "probability of so large a statistic, were there no difference"),
];

/// Cox regression.
pub const COX: &[Column] = &[
    col(
        "covariate",
        Kind::Text,
        "the covariate; of a category one of its values against the most frequent one",
    ),
    col("coefficient", Kind::Float, "change of the log hazard by one unit"),
    col("hazard_ratio", Kind::Float, "its exponential"),
    col("standard_error", Kind::Float, "of the coefficient"),
    col("p_value", Kind::Float, "two-sided (Wald)"),
];
