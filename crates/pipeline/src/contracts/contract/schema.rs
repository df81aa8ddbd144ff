//! The tables of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[CONTRACT_CUSTOMERS, SURVIVAL, SURVIVAL_TESTS, COX];

/// Customers of a contract.
pub const CONTRACT_CUSTOMERS: PublishedTable = PublishedTable {
    name: "contract_customers",
    about: "of `tillwise contract`: every customer with a probability of leaving",
    columns: &[
        col("customer_id", Kind::Text, "the customer"),
        col("has_left", Kind::Bool, "the label"),
        col(
            "churn_probability",
            Kind::Float,
            "probability of leaving, by a model that has seen the customer",
        ),
        col(
            "churn_probability_unseen",
            Kind::Float,
            "the same by a model of the other folds: what was judged",
        ),
        col(
            "churn_decile",
            Kind::Int32,
            "1 holds the tenth most likely to leave; equal probabilities share a decile",
        ),
        col("churn_rule_id", Kind::Int32, "the leaf of the churn tree, see churn_rules"),
        opt("churn_reason_1", Kind::Text, "what raises the tree's probability most"),
        opt("churn_reason_2", Kind::Text, "what raises it next"),
        opt("churn_reason_3", Kind::Text, "and next"),
    ],
};

/// Survival curves.
pub const SURVIVAL: PublishedTable = PublishedTable {
    name: "survival",
    about: "of `tillwise contract` with a tenure: Kaplan-Meier curves, all and by group",
    columns: &[
        col("group_by", Kind::Text, "all, or the column of the groups"),
        opt("group", Kind::Text, "its value"),
        col("time", Kind::Float, "the tenure"),
        col("at_risk", Kind::Int64, "customers still there just before"),
        col("events", Kind::Int64, "those who left then"),
        col("survival", Kind::Float, "share that stays longer (Kaplan-Meier)"),
        col("standard_error", Kind::Float, "its standard error (Greenwood)"),
    ],
};

/// Do the groups differ?
pub const SURVIVAL_TESTS: PublishedTable = PublishedTable {
    name: "survival_tests",
    about: "... log-rank tests of the groups",
    columns: &[
        col("group_by", Kind::Text, "the column of the groups"),
        col("groups", Kind::Int32, "groups compared"),
        col("statistic", Kind::Float, "log-rank chi-squared"),
        col("degrees", Kind::Int32, "degrees of freedom"),
        col("p_value", Kind::Float, "probability of so large a statistic, were there no difference"),
    ],
};

/// Cox regression.
pub const COX: PublishedTable = PublishedTable {
    name: "cox",
    about: "... Cox regression",
    columns: &[
        col(
            "covariate",
            Kind::Text,
            "the covariate; of a category one of its values against the most frequent one",
        ),
        col("coefficient", Kind::Float, "change of the log hazard by one unit"),
        col("hazard_ratio", Kind::Float, "its exponential"),
        col("standard_error", Kind::Float, "of the coefficient"),
        col("p_value", Kind::Float, "two-sided (Wald)"),
    ],
};
