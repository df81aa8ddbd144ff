//! Clusters and their tables.

pub mod schema;
pub mod settings;
mod tell;

use serde::{Deserialize, Serialize};
use tillwise_core::{Day, ModelFile, Parameters, message};
use tillwise_mine::cluster::{Clusters, Drift, OUTLIER, Report as FitReport, Tried, profile};
use tillwise_table::TableError;

use super::{Context, Done, Made, Sums, counts, feature, floats, ints, make, texts};
use crate::analysis::Analysis;
use crate::charts::{ChartOf, Picture, Unit};
use crate::{Mode, NotDone, PipelineError};
use schema::{CLUSTER_CHOICE, CLUSTER_DRIFT, CLUSTER_PROFILES, CLUSTER_RULES, CLUSTERS};
pub use settings::{FeatureChoice, KChoice, Settings};

/// Pictures of its tables.
const CHARTS: &[ChartOf] = &[ChartOf {
    key: "clusters_revenue",
    table: "clusters",
    only: &[],
    picture: Picture::Bars { names: "cluster_name", bars: "net_revenue", unit: Unit::Count, most: 15 },
}];

/// Clusters.
pub const ANALYSIS: Analysis = Analysis {
    name: "cluster",
    about: "Only clusters",
    manual: include_str!("manual.toml"),
    proposes: &["k", "method"],
    tables: schema::TABLES,
    charts: CHARTS,
    scores: schema::SCORES,
    has_model: true,
    looks_back: |config| config.cluster.follow_last || config.cluster.refresh_days > 0,
    run,
    ..Analysis::NONE
};

/// The name of customers in no cluster.
const OUTLIERS: &str = "outliers";

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let table = context.customers;
    let config = &context.config.cluster;
    let settings = config.settings(context.config.run.seed);
    let last = context.last::<Clusters>();
    let mut needed: Vec<String> = match context.mode {
        Mode::Fit => settings.features.iter().map(|f| f.column.clone()).collect(),
        Mode::Score { models } if models.join(ModelFile::<Clusters>::file_name()).exists() => {
            features_of(&ModelFile::<Clusters>::load(models)?.parameters)
        }
        Mode::Score { .. } => Vec::new(),
    };
    if let Some(Ok(last)) = &last {
        needed.extend(features_of(&last.parameters));
        needed.sort();
        needed.dedup();
    }
    // A kept model may name a column that this version does not have. The model itself reports that.
    needed.retain(|name| crate::config::is_feature(name));
    let columns = needed
        .into_iter()
        .map(|name| Ok((feature(table, &name)?, name)))
        .collect::<Result<Vec<(Vec<f64>, String)>, NotDone>>()?;
    let features: Vec<(&str, &[f64])> =
        columns.iter().map(|(v, name)| (name.as_str(), v.as_slice())).collect();
    let revenue = table.f64s("net_revenue")?;

    let reused = context.reused(config.refresh_days, |m: &Clusters| m.suits(&settings));
    let was_reused = reused.is_some();
    let mut tried = Vec::new();
    let mut drift = None;
    let (file, mut report) = context.model(reused, || {
        let (mut model, mut report) = Clusters::fit(&features, &revenue, &settings)?;
        match &last {
            Some(Ok(last)) if config.follow_last => {
                let (ours, theirs) =
                    (model.score(&features)?.labels, last.parameters.score(&features)?.labels);
                drift = Some(model.follow(&last.parameters, &ours, &theirs));
            }
            Some(Err(why)) if config.follow_last => {
                report.warnings.push(message!("last_clusters_unusable", why = why));
            }
            _ => {}
        }
        tried = report.tried.clone();
        Ok((model, Report { fit: report, drift: drift.clone(), reused: None }))
    })?;
    let model = &file.parameters;
    model.check().map_err(|problem| PipelineError::defect("the model of clusters", problem))?;
    let scored = model.score(&features)?;
    let k = model.labels.len();

    // By id; the outliers, if there are any, come first.
    let (days, orders) = (table.f64s("days_since_last")?, table.f64s("orders")?);
    let (value, tenure) = (table.f64s("avg_order_value")?, table.f64s("tenure_days")?);
    let mut sums = vec![Sums::<5>::new(); k + 1];
    for (i, label) in scored.labels.iter().enumerate() {
        let cluster = if *label == OUTLIER { k } else { *label as usize };
        sums[cluster].add([revenue[i], days[i], orders[i], value[i], tenure[i]]);
    }
    let id = |c: usize| model.labels.get(c).map_or(0, |l| l.id as i32);
    let name = |c: usize| model.labels.get(c).map_or(OUTLIERS, |l| l.name.as_str());
    let total_revenue: f64 = sums.iter().map(|s| s.sums[0]).sum();
    // When saved clusters score new customers, one may stay empty.
    let mut present: Vec<usize> = (0..=k).filter(|c| sums[*c].customers > 0).collect();
    present.sort_by_key(|c| id(*c));
    let n = scored.labels.len() as f64;
    let float = |f: &dyn Fn(&Sums<5>) -> Option<f64>| floats(present.iter().map(|c| f(&sums[*c])));
    let clusters_table = make(
        &CLUSTERS,
        vec![
            ("cluster_id", ints(present.iter().map(|c| id(*c)))),
            ("cluster_name", texts(present.iter().map(|c| Some(name(*c))))),
            ("customers", counts(present.iter().map(|c| Some(sums[*c].customers as u64)))),
            ("customer_share", float(&|s| Some(s.customers as f64 / n))),
            ("net_revenue", float(&|s| Some(s.sums[0]))),
            ("revenue_share", float(&|s| (total_revenue != 0.0).then(|| s.sums[0] / total_revenue))),
            ("mean_days_since_last", float(&|s| Some(s.mean(1)))),
            ("mean_orders", float(&|s| Some(s.mean(2)))),
            ("mean_net_revenue", float(&|s| Some(s.mean(0)))),
            ("mean_avg_order_value", float(&|s| Some(s.mean(3)))),
            ("mean_tenure_days", float(&|s| Some(s.mean(4)))),
        ],
    )?;
    let mut tables = vec![
        clusters_table,
        profiles_table(model, &features, &scored.labels)?,
        rules_table(model, &features, &scored.labels, context.config.run.seed)?,
    ];
    if !tried.is_empty() {
        tables.push(choice_table(&mut tried, report.fit.tried_on as u64)?);
    }
    if let Some(drift) = &drift {
        tables.push(drift_table(drift)?);
    }
    if was_reused {
        // How the model came about on its own night is in its file.
        report.drift = None;
        report.reused = Some(Reused { clusters_of: file.fitted_as_of.unwrap_or(context.as_of) });
    }
    let told = tell::tell(&present, &sums, &id, &name);
    let cluster = |l: &u32| if *l == OUTLIER { k } else { *l as usize };
    let [map_x, map_y] = &scored.map;
    Ok(Done {
        columns: vec![
            ("cluster_id", ints(scored.labels.iter().map(|l| id(cluster(l))))),
            ("cluster_name", texts(scored.labels.iter().map(|l| Some(name(cluster(l)))))),
            ("cluster_probability", floats(scored.probabilities.iter().copied().map(Some))),
            ("cluster_map_x", floats(map_x.iter().copied().map(Some))),
            ("cluster_map_y", floats(map_y.iter().copied().map(Some))),
        ],
        tables,
        told: vec![told],
        warnings: report.fit.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

#[derive(Serialize, Deserialize)]
struct Report {
    #[serde(flatten)]
    fit: FitReport,
    /// Where the clusters follow an earlier run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drift: Option<Drift>,
    /// Where they are an earlier run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reused: Option<Reused>,
}

#[derive(Serialize, Deserialize)]
struct Reused {
    clusters_of: Day,
}

fn features_of(model: &Clusters) -> Vec<String> {
    model.scaling.0.iter().map(|f| f.name.clone()).collect()
}

fn profiles_table(model: &Clusters, features: &[(&str, &[f64])], labels: &[u32]) -> Result<Made, NotDone> {
    let mut profiles = profile::profiles(&model.scaling, features, labels, model.labels.len())?;
    profiles.sort_by_key(|p| (model.labels[p.cluster].id, p.mark));
    let rows = || profiles.iter();
    Ok(make(
        &CLUSTER_PROFILES,
        vec![
            ("cluster_id", ints(rows().map(|p| model.labels[p.cluster].id as i32))),
            ("cluster_name", texts(rows().map(|p| Some(&model.labels[p.cluster].name)))),
            ("feature", texts(rows().map(|p| Some(&p.feature)))),
            ("mark", ints(rows().map(|p| p.mark as i32))),
            ("mean", floats(rows().map(|p| p.mean))),
            ("median", floats(rows().map(|p| p.median))),
            ("overall_mean", floats(rows().map(|p| p.overall_mean))),
            ("index_100", floats(rows().map(|p| p.index))),
            ("standard_deviations", floats(rows().map(|p| Some(p.standing)))),
        ],
    )?)
}

fn rules_table(
    model: &Clusters,
    features: &[(&str, &[f64])],
    labels: &[u32],
    seed: u64,
) -> Result<Made, NotDone> {
    let mut rules = profile::rules(&model.scaling, features, labels, model.labels.len(), seed)?;
    rules.sort_by_key(|r| model.labels[r.cluster].id);
    let rows = || rules.iter();
    Ok(make(
        &CLUSTER_RULES,
        vec![
            ("cluster_id", ints(rows().map(|r| model.labels[r.cluster].id as i32))),
            ("rule", texts(rows().map(|r| Some(&r.words)))),
            ("customers", counts(rows().map(|r| Some(r.customers as u64)))),
            ("in_cluster", counts(rows().map(|r| Some(r.hits as u64)))),
            ("precision", floats(rows().map(|r| Some(r.hits as f64 / r.customers as f64)))),
            ("coverage", floats(rows().map(|r| Some(r.hits as f64 / r.size as f64)))),
        ],
    )?)
}

fn choice_table(tried: &mut [Tried], tried_on: u64) -> Result<Made, TableError> {
    tried.sort_by_key(|t| t.rank);
    let rows = || tried.iter();
    make(
        &CLUSTER_CHOICE,
        vec![
            ("k", ints(rows().map(|t| t.k as i32))),
            ("place", ints(rows().map(|t| t.rank as i32))),
            ("customers", counts(rows().map(|_| Some(tried_on)))),
            ("inertia", floats(rows().map(|t| Some(t.inertia)))),
            ("silhouette", floats(rows().map(|t| t.silhouette))),
            ("calinski_harabasz", floats(rows().map(|t| t.calinski_harabasz))),
            ("davies_bouldin", floats(rows().map(|t| t.davies_bouldin))),
            ("gap", floats(rows().map(|t| t.gap))),
            ("gap_error", floats(rows().map(|t| t.gap_error))),
            ("stability", floats(rows().map(|t| t.stability))),
            ("mixture_bic", floats(rows().map(|t| t.bic))),
        ],
    )
}

fn drift_table(drift: &Drift) -> Result<Made, TableError> {
    let rows = || drift.clusters.iter();
    make(
        &CLUSTER_DRIFT,
        vec![
            ("cluster_id", ints(rows().map(|c| c.label.id as i32))),
            ("cluster_name", texts(rows().map(|c| Some(&c.label.name)))),
            ("status", texts(rows().map(|c| Some(&c.status)))),
            ("customers_by_last", counts(rows().map(|c| Some(c.last)))),
            ("customers", counts(rows().map(|c| Some(c.now)))),
            ("customers_in_both", counts(rows().map(|c| Some(c.kept)))),
        ],
    )
}
