//! Customer lifetime value.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use tillwise_mine::clv::{Clv, Input, Score, Value};

use super::{Context, Done};
use crate::NotDone;

pub fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let table = context.customers;
    let (x, t_x_days, age_days) = (table.f64s("x")?, table.f64s("t_x_days")?, table.f64s("age_days")?);
    let mean_repeat_spend = table.f64s("mean_repeat_spend")?;
    let input =
        Input { x: &x, t_x_days: &t_x_days, age_days: &age_days, mean_repeat_spend: &mean_repeat_spend };
    let settings = &context.config.clv;
    let file = context.model(|| {
        let value = Value::new(settings.horizon_days, settings.margin, settings.annual_discount_rate)?;
        Ok(Clv::fit(input, settings.time_unit, value)?)
    })?;
    let scores = file.parameters.score(input);
    if let Some(i) = scores.iter().position(|s| !(s.clv.is_finite() && s.expected_orders.is_finite())) {
        return Err(NotDone::Failed(format!(
            "the CLV of customer {} is not a number",
            table.texts("customer_id")?[i]
        )));
    }
    let column = |f: &dyn Fn(&Score) -> f64| {
        Arc::new(scores.iter().map(|s| Some(f(s))).collect::<Float64Array>()) as ArrayRef
    };
    Ok(Done {
        columns: vec![
            ("p_alive", column(&|s| s.p_alive)),
            ("expected_orders", column(&|s| s.expected_orders)),
            ("expected_order_value", column(&|s| s.expected_order_value)),
            ("clv", column(&|s| s.clv)),
        ],
        tables: Vec::new(),
        report: file.report.clone(),
    })
}
