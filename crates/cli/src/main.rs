//! A messy transaction export in, scored customers out.
use std::path::PathBuf;
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let p = PathBuf::from(std::env::args().nth(1).unwrap_or_default());
    let config = tillwise_pipeline::Config::read(&p);
    let config = match config {
        Ok(c) => c,
        Err(e) => {
            tracing::error!("{e}");
            return;
        }
    };
    let plan = tillwise_pipeline::Plan {
        config,
        base: p.parent().map(|p| p.to_owned()).unwrap_or_default(),
        mode: tillwise_pipeline::Mode::Fit,
        until: tillwise_pipeline::Until::Analyses,
        by_name: false,
        stage: None,
        force: true,
    };
    match tillwise_pipeline::run(&plan, &tillwise_engine_polars::PolarsEngine::default()) {
        Ok(o) => tracing::info!("{o:#?}"),
        Err(e) => tracing::error!("{e}"),
    }
}
