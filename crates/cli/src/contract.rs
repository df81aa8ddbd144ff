//! `contract`, `retention`, `rfm-table`, `funnel`, `channels` and `campaign`: analyses of a table in place of orders.

use tillwise_pipeline::analyses::churn::{self, ChurnModel};
use tillwise_pipeline::contracts::{
    self, campaign, channels, contract, funnel, retention, rfm_table, OfTable, TableFinished,
};
use tillwise_pipeline::Config;

use crate::args::{Campaign, Channels, Contract, Funnel, Retention, RfmTable};
use crate::commands::{print_published, Ended, Failure};
use crate::summary;

/// Who leaves and why.
pub fn contract(args: &Contract) -> Result<Ended, Failure> {
    let settings = contract::Settings {
        label: args.label.clone(),
        left: args.left.clone(),
        id: args.id.clone(),
        tenure: args.tenure.clone(),
        value: args.value.clone(),
        ignore: args.ignore.clone(),
        model: args.model.map_or(churn::Settings::default().model, |model| model.0),
        offer_cost: args.offer_cost,
        response_rate: args.response_rate,
        budget: args.budget,
        delimiter: args.delimiter.clone(),
        seed: args.seed,
    };
    finish(contracts::run(&settings, &args.file, &args.out)?)
}

/// Retention by cohort.
pub fn retention(args: &Retention) -> Result<Ended, Failure> {
    let settings = retention::Settings { ahead: args.ahead, discount: args.discount };
    finish(contracts::run(&settings, &args.file, &args.out)?)
}

/// RFM of sums.
pub fn rfm_table(args: &RfmTable) -> Result<Ended, Failure> {
    let recency = match (&args.days_since, &args.last_order) {
        (Some(days), _) => rfm_table::Recency::DaysSince(days.clone()),
        (None, last) => rfm_table::Recency::LastOrder(last.clone().unwrap_or_default(), args.as_of),
    };
    let config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let settings = rfm_table::Settings {
        id: args.id.clone(),
        recency,
        orders: args.orders.clone(),
        revenue: args.revenue.clone(),
        rfm: config.rfm,
        delimiter: args.delimiter.clone(),
    };
    finish(contracts::run(&settings, &args.file, &args.out)?)
}

/// A sales funnel.
pub fn funnel(args: &Funnel) -> Result<Ended, Failure> {
    let settings = funnel::Settings {
        id: args.log.id.clone(),
        time: args.log.time.clone(),
        stage: args.stage.clone(),
        stages: args.stages.iter().map(|s| s.trim().to_owned()).collect(),
        policy: args.policy,
        by: args.by.clone(),
        roll_up: args.roll_up.clone(),
        horizon: args.horizon,
        until: args.until,
        delimiter: args.log.delimiter.clone(),
    };
    finish(contracts::run(&settings, &args.log.file, &args.log.out)?)
}

/// Which channels bring orders.
pub fn channels(args: &Channels) -> Result<Ended, Failure> {
    let settings = channels::Settings {
        id: args.log.id.clone(),
        time: args.log.time.clone(),
        channel: args.channel.clone(),
        order: args.order.clone(),
        value: args.value.clone(),
        window: args.window,
        half_life: args.half_life,
        delimiter: args.log.delimiter.clone(),
    };
    finish(contracts::run(&settings, &args.log.file, &args.log.out)?)
}

/// What a campaign did.
pub fn campaign(args: &Campaign) -> Result<Ended, Failure> {
    let settings = campaign::Settings {
        treatment: args.treatment.clone(),
        contacted: args.contacted.clone(),
        outcome: args.outcome.clone(),
        id: args.id.clone(),
        past: args.past.clone(),
        ignore: args.ignore.clone(),
        value: args.value,
        cost: args.cost,
        budget: args.budget,
        delimiter: args.delimiter.clone(),
        seed: args.seed,
    };
    finish(contracts::run(&settings, &args.file, &args.out)?)
}

fn finish<S: OfTable>(finished: TableFinished<S>) -> Result<Ended, Failure> {
    print_published(&summary::of_table(&finished)?);
    Ok(if finished.model_failed { Ended::ModelFailed } else { Ended::Done })
}

/// The kind of a model, as typed.
#[derive(Clone, Copy, Debug)]
pub struct ModelArg(pub ChurnModel);

impl std::str::FromStr for ModelArg {
    type Err = String;
    fn from_str(text: &str) -> Result<ModelArg, String> {
        serde_json::from_value(serde_json::Value::String(text.to_owned()))
            .map(ModelArg)
            .map_err(|_| format!("`{text}` is not tree, forest, boosting, logistic, neural or auto"))
    }
}
