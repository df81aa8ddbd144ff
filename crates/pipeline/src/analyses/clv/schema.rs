//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] =
    &[CLV_PARAMETERS, CLV_MODELS, CLV_CALIBRATION, CLV_TRACKING, CLV_FORECAST, CLV_DISTRIBUTION];

/// What CLV adds to the customer table.
pub const SCORES: &[Column] = &[
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

/// One row per group and parameter of the CLV models.
pub const CLV_PARAMETERS: PublishedTable = PublishedTable {
    name: "clv_parameters",
    about: "the parameters of the CLV models",
    columns: &[
        opt("customer_group", Kind::Text, "the group; null for everyone together"),
        col("part", Kind::Text, "orders or spend"),
        col("model", Kind::Text, "the model's name"),
        col("parameter", Kind::Text, "the parameter's; for covariates with their side"),
        col("value", Kind::Float, "its estimate"),
        opt("standard_error", Kind::Float, "from the Hessian; null on the boundary or on a flat ridge"),
    ],
};

/// One row per model of orders that was fitted to the calibration and judged in the holdout.
pub const CLV_MODELS: PublishedTable = PublishedTable {
    name: "clv_models",
    about: "one row, or with `model = \"auto\"` one for each model that was tried",
    columns: &[
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
    ],
};

/// Expected against actual in the holdout, by repeat order days in the calibration.
pub const CLV_CALIBRATION: PublishedTable = PublishedTable {
    name: "clv_calibration",
    about: "expected against actual in the holdout",
    columns: &[
        col("model", Kind::Text, "the model"),
        col("x", Kind::Int32, "repeat order days in the calibration; 7 holds all with 7 or more"),
        col("customers", Kind::Int64, "customers"),
        col("actual", Kind::Float, "mean order days in the holdout"),
        col("expected", Kind::Float, "mean order days expected"),
    ],
};

/// Repeat order days of the calibration's customers, week by week.
pub const CLV_TRACKING: PublishedTable = PublishedTable {
    name: "clv_tracking",
    about: "the same over time",
    columns: &[
        col("model", Kind::Text, "the model"),
        col("week", Kind::Int32, "weeks since the first order of all, from 1"),
        col("week_end", Kind::Date, "last day of the week"),
        col("holdout", Kind::Bool, "whether the week ends after the calibration"),
        col("actual", Kind::Float, "repeat order days in the week"),
        col("expected", Kind::Float, "repeat order days expected in the week"),
        col("actual_cumulative", Kind::Float, "repeat order days up to the week's end"),
        col("expected_cumulative", Kind::Float, "repeat order days expected up to then"),
    ],
};

/// What all customers together are expected to do, by month ahead.
pub const CLV_FORECAST: PublishedTable = PublishedTable {
    name: "clv_forecast",
    about: "all customers by month ahead",
    columns: &[
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
    ],
};

/// How many order days each customer may make within the CLV horizon.
pub const CLV_DISTRIBUTION: PublishedTable = PublishedTable {
    name: "clv_distribution",
    about: "with `distribution_up_to` above 0",
    columns: &[
        col("customer_id", Kind::Text, "the customer"),
        col(
            "order_days",
            Kind::Int32,
            "a number of order days; the last row of a customer holds that many or more",
        ),
        col("probability", Kind::Float, "its probability"),
    ],
};
