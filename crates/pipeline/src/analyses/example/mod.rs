//! An analysis to copy from: it needs an earlier date, has a setting, publishes a table and a score column, and tells what it
//! found. It is compiled for tests only. `ANALYSES.md` beside this crate walks through it.

mod schema;
mod settings;
mod tell;

use std::collections::HashMap;

use serde::Serialize;

use super::{Context, Done, booleans, counts, make};
use crate::NotDone;
use crate::analysis::{Analysis, CustomerTable, Needs};
use schema::EXAMPLE;
pub use settings::Settings;

/// Who ordered since an earlier day.
pub const ANALYSIS: Analysis = Analysis {
    name: "example",
    about: "Only the example",
    tables: schema::TABLES,
    scores: schema::SCORES,
    needs: |ask| Needs { tables: vec![earlier(&ask.config.example, ask.as_of)], ..Needs::default() },
    run,
    ..Analysis::NONE
};

/// The picture that orders are compared with.
fn earlier(settings: &Settings, as_of: tillwise_core::Day) -> CustomerTable {
    CustomerTable {
        only: Some(vec!["customer_id", "orders"]),
        ..CustomerTable::of(as_of - settings.days_back)
    }
}

#[derive(Serialize)]
struct Report {
    ordered: usize,
}

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.example;
    let before = context.table(&earlier(settings, context.as_of))?;
    if before.rows() == 0 {
        return Err(NotDone::Skipped(format!(
            "nobody had ordered {} days earlier; set [example] days_back to less",
            settings.days_back
        )));
    }
    let then: HashMap<&str, f64> =
        before.texts("customer_id")?.into_iter().zip(before.f64s("orders")?).collect();
    let (ids, now) = (context.customers.texts("customer_id")?, context.customers.f64s("orders")?);
    let since: Vec<Option<u64>> =
        ids.iter().zip(now).map(|(id, now)| then.get(id).map(|then| (now - then) as u64)).collect();
    let ordered = since.iter().flatten().filter(|orders| **orders > 0).count();
    let others = since.iter().flatten().count() - ordered;
    let table = make(
        &EXAMPLE,
        vec![
            ("ordered", booleans([Some(true), Some(false)])),
            ("customers", counts([Some(ordered as u64), Some(others as u64)])),
        ],
    )?;
    Ok(Done {
        columns: vec![("orders_since", counts(since))],
        tables: vec![table],
        report: serde_json::to_value(Report { ordered })?,
        told: vec![tell::tell(ordered, ordered + others)],
        warnings: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use tillwise_report::{Block, Cell};
    use tillwise_table::Table;
    use tillwise_testkit::ReferenceEngine;

    use crate::{Config, Finished, Mode, Outcome, Plan, Until, run};

    fn done(config: &str) -> (tempfile::TempDir, Box<Finished>) {
        let folder = tempfile::tempdir().unwrap();
        let orders = "who,order,day,money\na,1,2023-01-05,10\na,2,2023-03-20,10\na,3,2023-03-25,10\nb,4,2023-01-09,20\nc,5,2023-03-30,5\n";
        fs::write(folder.path().join("orders.csv"), orders).unwrap();
        let text = format!(
            "[input]\nfiles = [\"orders.csv\"]\n[columns]\ncustomer = \"who\"\norder = \"order\"\ndate = \"day\"\namount = \"money\"\n\
             [run]\nanalyses = [\"example\"]\n{config}"
        );
        let config: Config = toml::from_str(&text).unwrap();
        config.check().unwrap();
        let plan = Plan {
            config,
            base: PathBuf::from(folder.path()),
            mode: Mode::Fit,
            until: Until::Analyses,
            by_name: false,
            stage: None,
            force: false,
            full_refresh: false,
            as_known_on: None,
        };
        match run(&plan, &ReferenceEngine).unwrap() {
            Outcome::Finished(finished) => (folder, finished),
            Outcome::Published { .. } => unreachable!("the folder is new"),
        }
    }

    /// Nothing outside its folder but its line in the list: the whole run knows it.
    #[test]
    fn an_analysis_is_one_folder_and_one_line() {
        let (_folder, finished) = done("[example]\ndays_back = 14\n");
        let customers = Table::read(&finished.folder.join("customers.parquet")).unwrap();
        assert_eq!(customers.texts("customer_id").unwrap(), ["a", "b", "c"]);
        let since = customers.f64s("orders_since").unwrap();
        assert_eq!(since[..2], [2.0, 0.0]);
        assert!(since[2].is_nan(), "c came since");
        let table = Table::read(&finished.folder.join("example.parquet")).unwrap();
        assert_eq!(table.f64s("customers").unwrap(), [1.0, 1.0]);
        assert_eq!(finished.record.analyses["example"].report.as_ref().unwrap()["ordered"], 1);
        let told = finished.record.told.iter().find(|s| s.key == "notes" && !s.blocks.is_empty());
        let Block::Say(said) = &told.unwrap().blocks[0] else { unreachable!("a sentence") };
        assert_eq!(said.values[1].1, Cell::text("1 of 2 customers ordered since"));
    }

    #[test]
    fn its_settings_are_checked_and_its_needs_may_fail() {
        let wrong: Config = toml::from_str("[example]\ndays_back = 0").unwrap();
        assert!(wrong.check().unwrap_err().to_string().contains("[example] days_back"));
        let (_folder, finished) = done("[example]\ndays_back = 900\n");
        let entry = &finished.record.analyses["example"];
        assert!(entry.reason.as_ref().unwrap().contains("[example] days_back"), "{entry:?}");
    }
}
