//! `config`, and where its values come from: the file, then the environment, then `--set`, then other flags.

use std::collections::BTreeMap;
use std::env;

use serde_json::{json, Map, Value};
use tillwise_core::figures::grouped;
use tillwise_pipeline::{preview, Instead, PipelineError, Plan, MANUAL};

use crate::args::ConfigCommand;
use crate::commands::{plan, print, Ended, Failure};

pub fn config(what: &ConfigCommand) -> Result<Ended, Failure> {
    match what {
        ConfigCommand::Check(stage) => {
            let seen = preview(&plan(&stage.common)?)?;
            print(&format!(
                "{} is in order: {} files of {} bytes, {} analyses\n",
                stage.common.config.display(),
                seen.files,
                grouped(seen.bytes as f64),
                seen.analyses.len()
            ))?;
        }
        ConfigCommand::Show(stage) => {
            let config = plan(&stage.common)?.config;
            let text = toml::to_string(&config).map_err(|e| PipelineError::defect("the config", e))?;
            print(&text)?;
        }
        ConfigCommand::Schema => print(&format!("{:#}\n", schema()))?,
    }
    Ok(Ended::Done)
}

/// Says what a run would do.
pub fn dry_run(plan: &Plan) -> Result<Ended, Failure> {
    let seen = preview(plan)?;
    let mut text = format!("would read  {} files, {} bytes", seen.files, grouped(seen.bytes as f64));
    if let Some(store) = seen.store {
        text += &format!(
            "; {} of them anew, {} are known, {} of these gone",
            store.read,
            store.files - store.read,
            store.gone
        );
    }
    text += &format!("\nwould do    {}", seen.analyses.join(", "));
    text += &format!(
        "\nwould fit   {}",
        if seen.fitted.is_empty() { "nothing".to_owned() } else { seen.fitted.join(", ") }
    );
    text += &format!("\nwould write {}", seen.out.display());
    text += &match (&seen.published, seen.seconds) {
        (Some(run), _) => format!("\nnothing new: {} is published already", run.display()),
        (None, Some(seconds)) => format!("\nwould take  about {seconds:.0} s, by the last run"),
        (None, None) => "\nhow long it takes is not known before a first run".to_owned(),
    };
    let line = serde_json::to_string(&seen).unwrap_or_default();
    print(&format!("{text}\n{line}\n"))?;
    Ok(Ended::Done)
}

/// Values in place of the file's: of the environment (`TILLWISE_RUN__AS_OF`), and of flags, which win.
pub fn instead(flags: &[(String, String)]) -> Vec<Instead> {
    let of_variable = |(name, value): (String, String)| {
        let (table, key) = name.strip_prefix("TILLWISE_")?.split_once("__")?;
        Some(Instead { key: format!("{table}.{key}").to_lowercase(), value, from: name })
    };
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let flag = |(key, value): &(String, String)| Instead {
        key: key.clone(),
        value: value.clone(),
        from: format!("--set {key}"),
    };
    environment.into_iter().filter_map(of_variable).chain(flags.iter().map(flag)).collect()
}

/// The keys of the manual's config, each with what is said of it and its default.
fn schema() -> Value {
    let config = MANUAL.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
    let mut tables: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut table = String::new();
    for line in config.lines() {
        if let Some(name) =
            line.strip_prefix('[').filter(|l| !l.starts_with('[')).and_then(|l| l.split_once(']'))
        {
            name.0.clone_into(&mut table);
            continue;
        }
        let (said, optional) = match line.strip_prefix("# ") {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        let Some((key, rest)) = said.split_once(" = ") else { continue };
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            continue;
        }
        let (value, about) = rest.split_once(" # ").unwrap_or((rest, ""));
        let mut about = json!({ "description": about.trim() });
        let value =
            toml::from_str::<toml::Table>(&format!("v = {value}")).ok().and_then(|mut t| t.remove("v"));
        if let Some(value) = value.and_then(|v| serde_json::to_value(v).ok()) {
            about[if optional { "examples" } else { "default" }] =
                if optional { json!([value]) } else { value };
        }
        tables.entry(table.clone()).or_default().insert(key.to_owned(), about);
    }
    let tables: Map<String, Value> = tables
        .into_iter()
        .map(|(name, keys)| (name, json!({ "type": "object", "properties": keys })))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The config of Tillwise",
        "type": "object",
        "additionalProperties": false,
        "properties": tables,
    })
}
