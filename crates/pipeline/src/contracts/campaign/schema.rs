//! The tables of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] =
    &[CAMPAIGN_LIFT, CAMPAIGN_BALANCE, CAMPAIGN_MODELS, CAMPAIGN_TENTHS, CAMPAIGN_PEOPLE];

/// What the campaign did.
pub const CAMPAIGN_LIFT: PublishedTable = PublishedTable {
    name: "campaign_lift",
    about: "of `tillwise campaign`: what the campaign did, to everybody and to groups",
    columns: &[
        col("measure", Kind::Text, "outcome, or cuped: the outcome less what its past value foretells"),
        col("by", Kind::Text, "all, or the column that the group is of"),
        opt("group", Kind::Text, "the group; null for all"),
        col("contacted", Kind::Int64, "people who were contacted"),
        col("control", Kind::Int64, "people who were left alone"),
        col("contacted_mean", Kind::Float, "mean outcome of those contacted"),
        col("control_mean", Kind::Float, "mean outcome of those left alone"),
        col("lift", Kind::Float, "the difference"),
        opt("lift_low", Kind::Float, "lower end of its 95 % interval (Welch)"),
        opt("lift_high", Kind::Float, "upper end"),
        opt(
            "relative_lift",
            Kind::Float,
            "the difference over the mean of those left alone; null where that is not above 0",
        ),
        opt("incremental", Kind::Float, "the difference times people contacted: what the campaign brought"),
        opt("p_value", Kind::Float, "how often so large a difference comes by chance"),
        opt("p_adjusted", Kind::Float, "that, for all groups together (Holm); null for all"),
    ],
};

/// How alike the arms are.
pub const CAMPAIGN_BALANCE: PublishedTable = PublishedTable {
    name: "campaign_balance",
    about: "of `tillwise campaign`: how alike those contacted and those left alone are",
    columns: &[
        col("column", Kind::Text, "the column"),
        opt("value", Kind::Text, "the value of a column of words; null for numbers"),
        opt("contacted_mean", Kind::Float, "mean of those contacted, or share with the value"),
        opt("control_mean", Kind::Float, "mean of those left alone"),
        opt(
            "standardised",
            Kind::Float,
            "difference over the pooled standard deviation; beyond .1 the arms are not alike",
        ),
    ],
};

/// How well learners rank.
pub const CAMPAIGN_MODELS: PublishedTable = PublishedTable {
    name: "campaign_models",
    about: "of `tillwise campaign`: how well each learner ranks people by what a contact does to them",
    columns: &[
        col(
            "learner",
            Kind::Text,
            "two_model, s_learner, x_learner, r_learner, dr_learner or transformed_outcome",
        ),
        col(
            "chosen",
            Kind::Bool,
            "whether it ranks campaign_people; none where there is nobody to single out",
        ),
        col(
            "qini",
            Kind::Float,
            "area between its Qini curve and a random order, outcome a person; 0 ranks nothing",
        ),
        col("qini_low", Kind::Float, "lower end of its 95 % bootstrap interval"),
        col("qini_high", Kind::Float, "upper end"),
        col("auuc", Kind::Float, "area under its uplift curve"),
        col("p_value", Kind::Float, "how often so high a Qini coefficient comes where scores tell nothing"),
        col("p_adjusted", Kind::Float, "that, for all learners together (Holm)"),
    ],
};

/// Tenths by uplift.
pub const CAMPAIGN_TENTHS: PublishedTable = PublishedTable {
    name: "campaign_tenths",
    about: "of `tillwise campaign`: tenths by the chosen learner, and what the campaign did to them; no rows where there is nobody to single out",
    columns: &[
        col("tenth", Kind::Int32, "1 holds those whom a contact moves most"),
        col("contacted", Kind::Int64, "people who were contacted"),
        col("control", Kind::Int64, "people who were left alone"),
        col("expected_lift", Kind::Float, "mean effect by the learner"),
        opt("lift", Kind::Float, "difference of the mean outcomes"),
        opt("lift_low", Kind::Float, "lower end of its 95 % interval"),
        opt("lift_high", Kind::Float, "upper end"),
    ],
};

/// Everybody.
pub const CAMPAIGN_PEOPLE: PublishedTable = PublishedTable {
    name: "campaign_people",
    about: "of `tillwise campaign`: everybody, with what a contact is expected to do",
    columns: &[
        col("id", Kind::Text, "the id of the table, or the row's number"),
        col("contacted", Kind::Bool, "whether the person was contacted"),
        col("outcome", Kind::Float, "what came"),
        opt(
            "uplift",
            Kind::Float,
            "what a contact adds to the outcome, by models that have not seen the person; null where there is nobody to single out",
        ),
        opt("tenth", Kind::Int32, "the tenth by that; null where there is nobody to single out"),
        col(
            "expected_profit",
            Kind::Float,
            "uplift (or the lift of everybody) times the value of an outcome, less the cost of a contact",
        ),
        col("target", Kind::Bool, "whether a contact pays within the budget, the most profitable first"),
    ],
};
