//! The columns of every table that crosses a seam or reaches a BI tool.
//!
//! Only plain types, no unsigned, nested or dictionary columns, and no NaN: see [`Kind`].

mod churn;
mod market;

pub use churn::*;
pub use market::*;

/// The plain types that every BI tool reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// Double; null instead of NaN.
    Float,
    /// True or false.
    Bool,
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since 1970-01-01T00:00:00, no zone: as written in the export.
    Timestamp,
}

/// One column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Snake case, with the unit where there is one.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether null occurs.
    pub nullable: bool,
    /// What it means, in one line.
    pub doc: &'static str,
}

const fn col(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: false, doc }
}

const fn opt(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: true, doc }
}

/// Clean transactions, one row per accepted line. `_e4` columns are whole ten-thousandths.
pub const TRANSACTIONS: &[Column] = &[
    col("customer_id", Kind::Text, "the customer, as text, leading zeros kept"),
    col("order_id", Kind::Text, "the order; without an order column every row is an order"),
    col("order_date", Kind::Date, "the day of the line"),
    col("ordered_at", Kind::Timestamp, "the moment of the line, as written"),
    col("is_return", Kind::Bool, "whether the line takes money back"),
    col("quantity_e4", Kind::Int64, "units, in ten-thousandths; negative for returns"),
    col("amount_e4", Kind::Int64, "money of the line, in ten-thousandths; negative for returns"),
    opt("cost_e4", Kind::Int64, "cost of the line's units, in ten-thousandths"),
    opt("product", Kind::Text, "the product"),
    opt("product_name", Kind::Text, "the product's name"),
    opt("category", Kind::Text, "the product's category"),
    opt("country", Kind::Text, "the country"),
    opt("channel", Kind::Text, "the sales channel"),
    opt("store", Kind::Text, "the store"),
    opt("currency", Kind::Text, "the currency; one per run"),
];

/// Rows that were not accepted.
pub const REJECTS: &[Column] = &[
    col("file", Kind::Text, "the input file"),
    col(
        "line",
        Kind::Int64,
        "the line where the row begins, counted from 1 (row number in Parquet and Excel)",
    ),
    opt("column", Kind::Text, "the input column at fault, where one is"),
    opt("value", Kind::Text, "the value found there"),
    col("reason", Kind::Text, "a code for why the row was rejected"),
];

/// The customer table as an [`crate::Engine`] writes it.
pub const SUMMARY: &[Column] = &[
    col("customer_id", Kind::Text, "the customer"),
    col("as_of", Kind::Date, "the day the picture was taken; nothing later is seen"),
    col("first_order_date", Kind::Date, "day of the first order"),
    col("last_order_date", Kind::Date, "day of the last order"),
    col("orders", Kind::Int64, "orders"),
    col("order_days", Kind::Int64, "distinct days with an order"),
    col("lines", Kind::Int64, "order lines, returns not counted"),
    col("units", Kind::Float, "units bought, returns not subtracted"),
    col("gross_revenue", Kind::Float, "money of all order lines"),
    col("returns_value", Kind::Float, "money taken back, as a positive number"),
    col("net_revenue", Kind::Float, "gross less returns (gross alone where returns are kept apart)"),
    opt("cost", Kind::Float, "cost of the units in net revenue; null unless every line has a unit cost"),
    col("avg_order_value", Kind::Float, "net revenue per order"),
    col("days_since_last", Kind::Int32, "days from the last order to as_of: RFM's recency"),
    col("tenure_days", Kind::Int32, "days from the first order to as_of"),
    col("x", Kind::Int32, "repeat order days: order_days less one"),
    col("t_x_days", Kind::Int32, "days from the first to the last order day: BTYD's recency"),
    col("age_days", Kind::Int32, "days from the first order day to as_of: BTYD's T"),
    opt(
        "mean_repeat_spend",
        Kind::Float,
        "mean spend of an order day, the first excluded, less what was taken back of it; null if x = 0 or nothing is left",
    ),
    col("distinct_products", Kind::Int64, "different products bought (0 without a product column)"),
    opt("mean_gap_days", Kind::Float, "mean days between order days; null if x = 0"),
    opt("std_gap_days", Kind::Float, "sample standard deviation of those gaps; null if x < 2"),
    opt(
        "mean_ln_gap_days",
        Kind::Float,
        "mean natural logarithm of those gaps: their regularity; null if x = 0",
    ),
    opt(
        "p90_gap_days",
        Kind::Float,
        "type-7 90 % quantile of those gaps: a longer silence is unusual for the customer; null if x = 0",
    ),
    col("orders_30d", Kind::Int64, "orders in the 30 days up to as_of"),
    col("orders_90d", Kind::Int64, "orders in the 90 days up to as_of"),
    col("orders_180d", Kind::Int64, "orders in the 180 days up to as_of"),
    col("orders_365d", Kind::Int64, "orders in the 365 days up to as_of"),
    col("net_revenue_30d", Kind::Float, "net revenue in the 30 days up to as_of"),
    col("net_revenue_90d", Kind::Float, "net revenue in the 90 days up to as_of"),
    col("net_revenue_180d", Kind::Float, "net revenue in the 180 days up to as_of"),
    col("net_revenue_365d", Kind::Float, "net revenue in the 365 days up to as_of"),
    opt("top_category", Kind::Text, "most frequent category by lines"),
    opt("top_country", Kind::Text, "most frequent country by lines"),
    opt("top_channel", Kind::Text, "most frequent channel by lines"),
    opt("top_store", Kind::Text, "most frequent store by lines"),
];

/// The window lengths of the `_30d` ... `_365d` columns, in days.
pub const WINDOWS: [i32; 4] = [30, 90, 180, 365];

/// The optional text columns that have a mode in the customer table, in its order.
pub const MODES: [&str; 4] = ["category", "country", "channel", "store"];

/// The labels that [`crate::SummaryRequest::label_until`] adds.
pub const LABELS: &[Column] = &[
    col("orders_in_horizon", Kind::Int64, "orders after as_of within the label window"),
    col("order_days_in_horizon", Kind::Int64, "distinct days of those orders"),
    opt("days_to_next_order", Kind::Int32, "days from as_of to the first of them; null if there is none"),
];

/// The columns that [`crate::SummaryRequest::occasion_days`] adds.
pub const OCCASIONS: &[Column] = &[
    col("x_occasions", Kind::Int32, "occasions with an order, after the first order day"),
    col("t_x_occasions", Kind::Int32, "the last of them; 0 if there is none"),
    col("occasions", Kind::Int32, "whole occasions since the first order day"),
    col("order_days_in_occasions", Kind::Int32, "repeat order days within those"),
];

/// The table that [`crate::SummaryRequest::daily`] asks for.
pub const DAILY: &[Column] = &[
    col("date", Kind::Date, "the day"),
    col("first_order_days", Kind::Int64, "customers of the table whose first order day it is"),
    col("repeat_order_days", Kind::Int64, "customers of the table who order again on it"),
];

/// Orders as [`crate::PurchasesRequest`] asks for them, sorted by customer, moment and the XXH3 hash of the order's id.
pub const ORDERS: &[Column] = &[
    col("customer", Kind::Int32, "the customer: a row of the customer table as of the same day, from 0"),
    col("order_date", Kind::Date, "day of the earliest sale; without a sale, of the earliest return"),
    col("ordered_at", Kind::Timestamp, "the moment of that line"),
    col("sales", Kind::Int32, "lines that are no returns; an order without any is a credit note"),
    opt("country", Kind::Text, "the country of that line; of several at that moment, the bytewise smallest"),
    opt("channel", Kind::Text, "its channel"),
    opt("store", Kind::Text, "its store"),
];

/// What is in the orders: one row per order and product, sorted by both.
pub const PURCHASES: &[Column] = &[
    col("order", Kind::Int32, "the order: a row of the table of orders, from 0"),
    col("product", Kind::Int32, "the product: a row of the table of products, from 0; -1 without one"),
    col("sales", Kind::Int32, "lines that are no returns"),
    col("units_e4", Kind::Int64, "units bought, in ten-thousandths"),
    col("gross_e4", Kind::Int64, "money of the sales, in ten-thousandths"),
    col("returned_e4", Kind::Int64, "money taken back, as a positive number"),
    col("cost_e4", Kind::Int64, "cost of the units bought, where lines have one"),
    col("returned_cost_e4", Kind::Int64, "cost of the units taken back, as a positive number"),
    col("uncosted", Kind::Int32, "lines without a cost"),
];

/// The products of those lines, sorted bytewise.
pub const PRODUCT_NAMES: &[Column] = &[
    col("product", Kind::Text, "the product"),
    opt("name", Kind::Text, "its name, the most frequent by sales; ties go to the bytewise smallest"),
    opt("category", Kind::Text, "its category, the most frequent by sales; ties go to the bytewise smallest"),
];

/// What RFM adds to the customer table.
pub const RFM_SCORES: &[Column] = &[
    opt("r_score", Kind::Int32, "recency score, highest for the most recent"),
    opt("f_score", Kind::Int32, "frequency score, highest for the most orders"),
    opt("m_score", Kind::Int32, "monetary score, highest for the most net revenue"),
    opt("rfm_score", Kind::Text, "the three scores as digits, such as 543, or 12-4-3 where one is above 9"),
    opt("rfm_weighted_score", Kind::Float, "the three scores, each times its weight, added up"),
    opt("rfm_segment", Kind::Text, "the named segment of that score"),
    opt(
        "rfm_segment_before",
        Kind::Text,
        "the segment [rfm] compare_days earlier, by the same breaks; null for customers who came since",
    ),
    opt(
        "buying_rhythm",
        Kind::Text,
        "new, active, lapsing or lost, by the customer's own gaps; null where nobody came again",
    ),
    opt("buyer_class", Kind::Text, "heavy, medium or light buyer, by orders"),
];

/// What clusters add to the customer table.
pub const CLUSTER_SCORES: &[Column] = &[
    opt(
        "cluster_id",
        Kind::Int32,
        "the cluster, numbered by mean revenue when it first appeared; 0 for outliers of a density method",
    ),
    opt("cluster_name", Kind::Text, "what marks the cluster"),
    opt("cluster_probability", Kind::Float, "probability of belonging to it; null but for Gaussian mixtures"),
    opt(
        "cluster_map_x",
        Kind::Float,
        "first principal component of the scaled features, to plot clusters by",
    ),
    opt("cluster_map_y", Kind::Float, "second principal component"),
];

/// What churn adds to the customer table.
pub const CHURN_SCORES: &[Column] = &[
    opt("churn_probability", Kind::Float, "probability of no order within the horizon"),
    opt(
        "churn_decile",
        Kind::Int32,
        "1 holds the tenth most likely to churn; equal probabilities share a decile",
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

/// What CLV adds to the customer table.
pub const CLV_SCORES: &[Column] = &[
    opt("p_alive", Kind::Float, "probability of still being a customer"),
    opt("p_alive_at_horizon", Kind::Float, "probability of still being one at the end of the CLV horizon"),
    opt(
        "expected_orders",
        Kind::Float,
        "expected order days within the CLV horizon (with bg_bb: occasions with an order)",
    ),
    opt("expected_orders_low", Kind::Float, "lower end of its interval: how well the parameters are known"),
    opt("expected_orders_high", Kind::Float, "upper end"),
    opt("p_no_order", Kind::Float, "probability of no order within the CLV horizon"),
    opt("expected_order_value", Kind::Float, "Gamma-Gamma: expected spend of an order day"),
    opt("clv", Kind::Float, "expected discounted margin within the CLV horizon, less costs to serve"),
    opt("clv_low", Kind::Float, "lower end of its interval"),
    opt("clv_high", Kind::Float, "upper end"),
    opt("residual_clv", Kind::Float, "the same for ever; null where it does not converge"),
    opt("past_value", Kind::Float, "margin of all orders up to as_of, less costs to serve and to acquire"),
    opt("customer_equity", Kind::Float, "past_value and clv together"),
];

/// What the analysis of value adds to the customer table.
pub const VALUE_SCORES: &[Column] = &[opt(
    "value_class",
    Kind::Text,
    "A: the customers who make the first 80 % of net revenue, the largest first; B: up to 95 %; C: the rest",
)];

/// The score columns of each analysis that has any, in the order of the customer table.
pub const SCORES: &[(&str, &[Column])] = &[
    ("rfm", RFM_SCORES),
    ("cluster", CLUSTER_SCORES),
    ("churn", CHURN_SCORES),
    ("clv", CLV_SCORES),
    ("value", VALUE_SCORES),
];

/// All score columns, in the order of the customer table.
pub fn score_columns() -> impl Iterator<Item = &'static Column> {
    SCORES.iter().flat_map(|(_, columns)| columns.iter())
}

/// One row per RFM segment.
pub const SEGMENTS: &[Column] = &[
    col("rfm_segment", Kind::Text, "the segment"),
    col("customers", Kind::Int64, "customers in it"),
    col("customer_share", Kind::Float, "their share of all customers"),
    col("orders", Kind::Int64, "their orders"),
    col("net_revenue", Kind::Float, "their net revenue"),
    opt("revenue_share", Kind::Float, "its share of all net revenue; null if that is zero"),
    col("mean_days_since_last", Kind::Float, "mean days since the last order"),
    col("mean_orders", Kind::Float, "mean orders"),
    col("mean_net_revenue", Kind::Float, "mean net revenue"),
    opt(
        "customers_before",
        Kind::Int64,
        "customers in it [rfm] compare_days earlier; null without a comparison",
    ),
    opt("entered", Kind::Int64, "customers in it now who were not then, first-time buyers among them"),
    opt("left", Kind::Int64, "customers in it then who are not now"),
];

/// From which segment to which: one row per pair that occurs.
pub const SEGMENT_MIGRATION: &[Column] = &[
    col("as_of_before", Kind::Date, "the earlier day"),
    col("as_of", Kind::Date, "the day of the picture"),
    opt(
        "segment_before",
        Kind::Text,
        "the segment on the earlier day; null for customers whose first order is later",
    ),
    col("segment", Kind::Text, "the segment now"),
    col("customers", Kind::Int64, "customers who went this way"),
    opt("share_of_before", Kind::Float, "their share of the earlier segment; null for new customers"),
    col("net_revenue", Kind::Float, "their net revenue up to now"),
];

/// How many customers were in each segment at the end of past months, by today's breaks.
pub const SEGMENT_HISTORY: &[Column] = &[
    col("as_of", Kind::Date, "the day"),
    col("rfm_segment", Kind::Text, "the segment"),
    col("customers", Kind::Int64, "customers in it on that day"),
    col("customer_share", Kind::Float, "their share of all customers of that day"),
    col("net_revenue", Kind::Float, "their net revenue up to that day"),
];

/// Segments by group.
pub const SEGMENT_GROUPS: &[Column] = &[
    opt("customer_group", Kind::Text, "value of the column of [rfm] by; null for customers without one"),
    col("own_breaks", Kind::Bool, "whether the group was large enough for breaks of its own"),
    col("rfm_segment", Kind::Text, "the segment"),
    col("customers", Kind::Int64, "customers of the group in it"),
    col("share_of_group", Kind::Float, "their share of the group"),
    col("net_revenue", Kind::Float, "their net revenue"),
];

/// Every break point, and where it would be if it were found today.
pub const RFM_BREAKS: &[Column] = &[
    opt("customer_group", Kind::Text, "the group; null for everyone"),
    col("measure", Kind::Text, "days_since_last, orders or net_revenue"),
    col("within", Kind::Text, "if nested: the R score, or the R and F scores, that the breaks hold within"),
    col("break_number", Kind::Int32, "its number, from 1"),
    opt("break_value", Kind::Float, "where it is in use"),
    opt("fresh_value", Kind::Float, "where today's customers would put it"),
    col("fitted_as_of", Kind::Date, "the day of the customers that it was found on"),
];

/// One row per cluster.
pub const CLUSTERS: &[Column] = &[
    col("cluster_id", Kind::Int32, "the cluster"),
    col("cluster_name", Kind::Text, "what marks it"),
    col("customers", Kind::Int64, "customers in it"),
    col("customer_share", Kind::Float, "their share of all customers"),
    col("net_revenue", Kind::Float, "their net revenue"),
    opt("revenue_share", Kind::Float, "its share of all net revenue; null if that is zero"),
    col("mean_days_since_last", Kind::Float, "mean days since the last order"),
    col("mean_orders", Kind::Float, "mean orders"),
    col("mean_net_revenue", Kind::Float, "mean net revenue"),
    col("mean_avg_order_value", Kind::Float, "mean of the average order value"),
    col("mean_tenure_days", Kind::Float, "mean days since the first order"),
];

/// What each cluster is like, feature by feature.
pub const CLUSTER_PROFILES: &[Column] = &[
    col("cluster_id", Kind::Int32, "the cluster"),
    col("cluster_name", Kind::Text, "what marks it"),
    col("feature", Kind::Text, "the feature"),
    col("mark", Kind::Int32, "1 for the feature that marks the cluster most"),
    opt("mean", Kind::Float, "its mean in the cluster"),
    opt("median", Kind::Float, "its median in the cluster"),
    opt("overall_mean", Kind::Float, "its mean over all customers"),
    opt(
        "index_100",
        Kind::Float,
        "100 times the cluster's mean over that of all; null unless that is above zero",
    ),
    col(
        "standard_deviations",
        Kind::Float,
        "how far the cluster stands from the average, on the model's scale",
    ),
];

/// Rules that find a cluster's customers again.
pub const CLUSTER_RULES: &[Column] = &[
    col("cluster_id", Kind::Int32, "the cluster"),
    col("rule", Kind::Text, "the rule, in words"),
    col("customers", Kind::Int64, "customers that it holds for"),
    col("in_cluster", Kind::Int64, "those of them in the cluster"),
    col("precision", Kind::Float, "in_cluster over customers"),
    col("coverage", Kind::Float, "in_cluster over the cluster's customers"),
];

/// Each number of clusters that was tried.
pub const CLUSTER_CHOICE: &[Column] = &[
    col("k", Kind::Int32, "clusters"),
    col("place", Kind::Int32, "by the criterion; 1 is the choice"),
    col("customers", Kind::Int64, "customers that it was tried on"),
    col("inertia", Kind::Float, "within-cluster sum of squares of those"),
    opt("silhouette", Kind::Float, "mean silhouette: large is good"),
    opt("calinski_harabasz", Kind::Float, "index of Calinski and Harabasz: large is good"),
    opt("davies_bouldin", Kind::Float, "index of Davies and Bouldin: small is good"),
    opt("gap", Kind::Float, "gap statistic"),
    opt("gap_error", Kind::Float, "its standard error"),
    opt("stability", Kind::Float, "likeness of the partitions of random parts: large is good, at most 1"),
    opt("mixture_bic", Kind::Float, "Schwarz's criterion of a Gaussian mixture: small is good"),
];

/// Today's customers by the last run's clusters and by today's.
pub const CLUSTER_DRIFT: &[Column] = &[
    col("cluster_id", Kind::Int32, "the cluster"),
    col("cluster_name", Kind::Text, "what marks it"),
    col("status", Kind::Text, "kept, new, or gone"),
    col("customers_by_last", Kind::Int64, "customers that the last run's model puts into it"),
    col("customers", Kind::Int64, "customers in it now"),
    col("customers_in_both", Kind::Int64, "customers that both put into it"),
];

/// One row per group and parameter of the CLV models.
pub const CLV_PARAMETERS: &[Column] = &[
    opt("customer_group", Kind::Text, "the group; null for everyone together"),
    col("part", Kind::Text, "orders or spend"),
    col("model", Kind::Text, "the model's name"),
    col("parameter", Kind::Text, "the parameter's; for covariates with their side"),
    col("value", Kind::Float, "its estimate"),
    opt("standard_error", Kind::Float, "from the Hessian; null on the boundary or on a flat ridge"),
];

/// One row per model of orders that was fitted to the calibration and judged in the holdout.
pub const CLV_MODELS: &[Column] = &[
    col("model", Kind::Text, "the model"),
    col("chosen", Kind::Bool, "whether it made the scores"),
    opt("problem", Kind::Text, "why it has no fit, where it has none"),
    col("calibration_end", Kind::Date, "last day of the calibration"),
    col("holdout_end", Kind::Date, "last day of the holdout"),
    opt("parameters", Kind::Int32, "free parameters"),
    opt("log_likelihood", Kind::Float, "of the calibration"),
    opt("aic", Kind::Float, "Akaike's criterion: smaller is better"),
    opt("bic", Kind::Float, "Schwarz's criterion: smaller is better"),
    opt("customers", Kind::Int64, "customers of the calibration"),
    opt("actual_order_days", Kind::Float, "order days that they made in the holdout"),
    opt("expected_order_days", Kind::Float, "order days that were expected"),
    opt("mae", Kind::Float, "mean absolute error a customer"),
    opt("rmse", Kind::Float, "root of the mean squared error"),
    opt("correlation", Kind::Float, "of expected and actual order days, over customers"),
    opt(
        "log_score",
        Kind::Float,
        "mean logarithm of the probability given to what happened: larger is better",
    ),
];

/// Expected against actual in the holdout, by repeat order days in the calibration.
pub const CLV_CALIBRATION: &[Column] = &[
    col("model", Kind::Text, "the model"),
    col("x", Kind::Int32, "repeat order days in the calibration; 7 holds all with 7 or more"),
    col("customers", Kind::Int64, "customers"),
    col("actual", Kind::Float, "mean order days in the holdout"),
    col("expected", Kind::Float, "mean order days expected"),
];

/// Repeat order days of the calibration's customers, week by week.
pub const CLV_TRACKING: &[Column] = &[
    col("model", Kind::Text, "the model"),
    col("week", Kind::Int32, "weeks since the first order of all, from 1"),
    col("week_end", Kind::Date, "last day of the week"),
    col("holdout", Kind::Bool, "whether the week ends after the calibration"),
    col("actual", Kind::Float, "repeat order days in the week"),
    col("expected", Kind::Float, "repeat order days expected in the week"),
    col("actual_cumulative", Kind::Float, "repeat order days up to the week's end"),
    col("expected_cumulative", Kind::Float, "repeat order days expected up to then"),
];

/// What all customers together are expected to do, by month ahead.
pub const CLV_FORECAST: &[Column] = &[
    col("month", Kind::Int32, "months ahead, from 1; a month is a twelfth of a year"),
    col("month_end", Kind::Date, "last day of the month; the last month ends with the CLV horizon"),
    col("expected_customers", Kind::Float, "customers of today expected to be alive then"),
    col("expected_order_days", Kind::Float, "order days of theirs within the month"),
    col("expected_revenue", Kind::Float, "revenue of those"),
    opt(
        "expected_value",
        Kind::Float,
        "its margin less costs to serve, discounted from the middle of the month",
    ),
    col("new_customer_orders", Kind::Float, "repeat order days of one new customer up to then"),
    opt("new_customer_clv", Kind::Float, "CLV of such a customer up to then, less the cost to acquire"),
];

/// How many order days each customer may make within the CLV horizon.
pub const CLV_DISTRIBUTION: &[Column] = &[
    col("customer_id", Kind::Text, "the customer"),
    col(
        "order_days",
        Kind::Int32,
        "a number of order days; the last row of a customer holds that many or more",
    ),
    col("probability", Kind::Float, "its probability"),
];

/// Retention of contractual cohorts, seen and projected.
pub const RETENTION: &[Column] = &[
    col("cohort", Kind::Text, "the cohort; all of them together are `all`"),
    col("period", Kind::Int32, "renewals since the start"),
    opt("survivors", Kind::Float, "customers left; null where the period is yet to come"),
    opt("survival", Kind::Float, "their share of the cohort"),
    opt("survival_sbg", Kind::Float, "the share that sBG expects"),
    opt("survival_bdw", Kind::Float, "the share that beta-discrete-Weibull expects"),
    opt("retention_sbg", Kind::Float, "the share of those left a period before that sBG expects to renew"),
    opt("retention_bdw", Kind::Float, "the same by beta-discrete-Weibull"),
    opt(
        "residual_payments_sbg",
        Kind::Float,
        "discounted payments to expect of a customer about to decide on this renewal, by sBG",
    ),
    opt("residual_payments_bdw", Kind::Float, "the same by beta-discrete-Weibull"),
];

/// A published table: its name, when it is written and what it shows, and its columns.
pub type Published = (&'static str, &'static str, &'static [Column]);

/// Every published table but `customers`, whose columns are [`SUMMARY`] and [`score_columns`], in the order of the analyses.
pub const PUBLISHED: &[Published] = &[
    ("segments", "one row per RFM segment", SEGMENTS),
    (
        "segment_migration",
        "from one segment to another since `compare_days` ago, both by today's break points; nobody leaves the customer table, so there are entries and no exits from it",
        SEGMENT_MIGRATION,
    ),
    ("segment_history", "month ends, by today's break points", SEGMENT_HISTORY),
    ("segment_groups", "with `[rfm] by`: segments by group", SEGMENT_GROUPS),
    ("rfm_breaks", "every break point", RFM_BREAKS),
    ("clusters", "one row per cluster", CLUSTERS),
    ("cluster_profiles", "what each cluster is like, feature by feature", CLUSTER_PROFILES),
    ("cluster_rules", "rules that find a cluster's customers again", CLUSTER_RULES),
    ("cluster_choice", "each number of clusters that was tried, the runners-up too", CLUSTER_CHOICE),
    ("cluster_drift", "where there is a run of an earlier day, and `follow_last`", CLUSTER_DRIFT),
    ("churn_rules", "one row per leaf of the churn tree", CHURN_RULES),
    ("churn_metrics", "how well the churn model, challengers and baselines did, out of time", CHURN_METRICS),
    (
        "churn_reliability",
        "what the chosen model expected of tenths of the judged rows, and what happened",
        CHURN_RELIABILITY,
    ),
    ("churn_gains", "how many churners the most likely tenths hold", CHURN_GAINS),
    ("churn_importance", "what each feature counts for", CHURN_IMPORTANCE),
    (
        "churn_targets",
        "active customers worth an offer to stay, the most profitable first, within the budget",
        CHURN_TARGETS,
    ),
    (
        "contract_customers",
        "of `tillwise contract`: every customer with a probability of leaving",
        CONTRACT_CUSTOMERS,
    ),
    ("survival", "of `tillwise contract` with a tenure: Kaplan-Meier curves, all and by group", SURVIVAL),
    ("survival_tests", "... log-rank tests of the groups", SURVIVAL_TESTS),
    ("cox", "... Cox regression", COX),
    ("clv_parameters", "the parameters of the CLV models", CLV_PARAMETERS),
    ("clv_models", "one row, or with `model = \"auto\"` one for each model that was tried", CLV_MODELS),
    ("clv_calibration", "expected against actual in the holdout", CLV_CALIBRATION),
    ("clv_tracking", "the same over time", CLV_TRACKING),
    ("clv_forecast", "all customers by month ahead", CLV_FORECAST),
    ("clv_distribution", "with `distribution_up_to` above 0", CLV_DISTRIBUTION),
    ("itemsets", "frequent itemsets, shorter ones first", ITEMSETS),
    ("rules", "association rules, the best first", RULES),
    (
        "sequences",
        "what follows what, over all orders of a customer; of products, or with `level = \"category\"` of categories",
        SEQUENCES,
    ),
    (
        "first_to_second",
        "what follows what, from the first order to the second; as frequent as `sequence_support`, always of products",
        FIRST_TO_SECOND,
    ),
    (
        "next_purchase",
        "for each product, when its buyers order next, and when they buy it again",
        NEXT_PURCHASE,
    ),
    ("offers", "what to offer to each customer, the best first", OFFERS),
    (
        "offer_metrics",
        "how offers did against simple baselines, the last order of each customer left out",
        OFFER_METRICS,
    ),
    ("cohorts", "one row per cohort and period, periods yet to come included", COHORTS),
    ("cohorts_wide", "the same with a column per period, one row per cohort and measure", COHORTS_WIDE),
    ("concentration", "how concentrated revenue is, over all time and by period", CONCENTRATION),
    ("lorenz", "Lorenz curves in hundredths", LORENZ),
    ("key_customers", "the customers that the business depends on most", KEY_CUSTOMERS),
    ("products", "products by revenue, those never sold left out", PRODUCTS),
    (
        "revenue_bridge",
        "what led from the revenue of one period to that of the next; empty, and the reason in the summary, where the history is too short",
        REVENUE_BRIDGE,
    ),
    ("retention", "of `tillwise retention`: contractual cohorts, seen and projected", RETENTION),
];

/// The columns of a published table but `customers`; `None` if there is no such table.
pub fn published(name: &str) -> Option<&'static [Column]> {
    PUBLISHED.iter().find(|(table, _, _)| *table == name).map(|(_, _, columns)| *columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_snake_case() {
        let seams =
            [TRANSACTIONS, REJECTS, SUMMARY, LABELS, OCCASIONS, DAILY, ORDERS, PURCHASES, PRODUCT_NAMES];
        let customers: Vec<Column> = SUMMARY.iter().chain(score_columns()).copied().collect();
        let published = PUBLISHED.iter().map(|p| p.2);
        for table in seams.into_iter().chain([customers.as_slice()]).chain(published) {
            let mut seen = std::collections::HashSet::new();
            for c in table {
                assert!(seen.insert(c.name), "{} stands twice", c.name);
                assert!(c.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            }
        }
    }

    /// `tables.md` is what users read.
    #[test]
    fn the_page_of_tables_is_up_to_date() {
        let mut page = String::from(
            "# The published tables\n\nPlain types: text, int32, int64, double, bool, date. Where a value may be missing it is null; there are no NaNs.\n",
        );
        let scores: Vec<Column> = score_columns().copied().collect();
        let mut table = |title: &str, columns: &[Column]| {
            page.push_str(&format!("\n## {title}\n\n| column | type | meaning |\n|---|---|---|\n"));
            for c in columns {
                let kind = match c.kind {
                    Kind::Text => "text",
                    Kind::Int32 => "int32",
                    Kind::Int64 => "int64",
                    Kind::Float => "double",
                    Kind::Bool => "bool",
                    Kind::Date => "date",
                    Kind::Timestamp => "timestamp",
                };
                let null = if c.nullable { " or null" } else { "" };
                page.push_str(&format!("| `{}` | {kind}{null} | {} |\n", c.name, c.doc));
            }
        };
        table("customers: what they did", SUMMARY);
        table("customers: scores, null where an analysis was not done", &scores);
        for (name, about, columns) in PUBLISHED {
            table(&format!("{name}: {about}"), columns);
        }
        assert!(page == include_str!("tables.md"), "write this to crates/core/src/schema/tables.md:\n{page}");
    }
}
