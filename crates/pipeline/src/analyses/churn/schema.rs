//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[
    CHURN_RULES, CHURN_METRICS, CHURN_RELIABILITY, CHURN_GAINS, CHURN_IMPORTANCE, CHURN_TARGETS,
    CHURN_CUTOFFS,
];

/// What churn adds to the customer table.
pub const SCORES: &[Column] = &[
    opt("churn_probability", Kind::Float, "probability of no order within the horizon"),
    opt(
        "churn_decile",
        Kind::Int32,
        "1 holds the tenth of the eligible who are most likely to churn; equal probabilities share a decile; null for others",
    ),
    opt(
        "churn_eligible",
        Kind::Bool,
        "whether the customer is of the kind the churn model was trained and judged on",
    ),
    opt("churn_rule_id", Kind::Int32, "the leaf of the churn tree, see churn_rules"),
    opt(
        "churn_reason_1",
        Kind::Text,
        "what raises the tree's probability most, on the customer's way through it",
    ),
    opt("churn_reason_2", Kind::Text, "what raises it next"),
    opt("churn_reason_3", Kind::Text, "and next"),
    opt("churn_offer_profit", Kind::Float, "expected profit of an offer to stay: see [churn] offer_cost"),
];

/// One row per leaf of the churn tree.
pub const CHURN_RULES: PublishedTable = PublishedTable {
    name: "churn_rules",
    about: "one row per leaf of the churn tree",
    columns: &[
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
    ],
};

/// Long table of how well models did.
pub const CHURN_METRICS: PublishedTable = PublishedTable {
    name: "churn_metrics",
    about: "how well the churn model, challengers and baselines did, out of time",
    columns: &[
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
    ],
};

/// The reliability table.
pub const CHURN_RELIABILITY: PublishedTable = PublishedTable {
    name: "churn_reliability",
    about: "what the chosen model expected of tenths of the judged rows, and what happened",
    columns: &[
        col("bin", Kind::Int32, "1 holds the least likely to churn"),
        col("rows", Kind::Int64, "judged rows"),
        col("churners", Kind::Int64, "those that churned"),
        col("expected", Kind::Float, "their mean probability"),
        col("actual", Kind::Float, "the share that churned"),
    ],
};

/// Cumulative gains.
pub const CHURN_GAINS: PublishedTable = PublishedTable {
    name: "churn_gains",
    about: "how many churners the most likely tenths hold",
    columns: &[
        col("decile", Kind::Int32, "tenths of the judged rows up to this one, the most likely first"),
        col("rows", Kind::Float, "rows up to it"),
        col("churners", Kind::Float, "churners among them; of equal probabilities across the border in part"),
        col("captured", Kind::Float, "their share of all churners"),
        col("lift", Kind::Float, "churn rate up to it, over the overall rate"),
    ],
};

/// What each feature counts for.
pub const CHURN_IMPORTANCE: PublishedTable = PublishedTable {
    name: "churn_importance",
    about: "what each feature counts for",
    columns: &[
        col("feature", Kind::Text, "the feature"),
        col("impurity", Kind::Float, "its share of what the tree's splits lower the impurity by"),
        opt(
            "permutation",
            Kind::Float,
            "what the chosen model's AUC loses when it is shuffled; null where rows were judged in folds",
        ),
    ],
};

/// Whom to save.
pub const CHURN_TARGETS: PublishedTable = PublishedTable {
    name: "churn_targets",
    about: "active customers worth an offer to stay, the most profitable first, within the budget",
    columns: &[
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
    ],
};

/// What models of then expected at past cutoffs, and what came.
pub const CHURN_CUTOFFS: PublishedTable = PublishedTable {
    name: "churn_cutoffs",
    about: "what models of then expected at past cutoffs, and what came",
    columns: &[
        col("cutoff", Kind::Date, "the day; the model knew nothing later"),
        col("customers", Kind::Int64, "eligible customers on that day"),
        col("actual", Kind::Float, "share of them that stayed away"),
        col("expected", Kind::Float, "mean probability of the model"),
        col(
            "level",
            Kind::Text,
            "how the cutoffs before would have set the level: model (as it is), last or half_of_last (by what would have mended the cutoff before), year_ago (the share of then)",
        ),
        col("corrected", Kind::Float, "mean probability with that"),
    ],
};
