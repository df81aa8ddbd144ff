//! A second start, where a memory limit asks for it.
//!
//! The allocator keeps freed memory at hand for a while, which is quick, and counts as used. That it shall give it back
//! at once can be said only through the environment it starts in.

/// mimalloc's setting: milliseconds until freed memory goes back to the system.
const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Starts the same command again with an allocator that returns memory at once. Comes back if it runs so
/// already, or where a process cannot be replaced.
pub fn returning_memory_at_once() {
    if std::env::var_os(PURGE_DELAY).is_some() {
        return;
    }
    #[cfg(unix)]
    if let Ok(program) = std::env::current_exe() {
        use std::os::unix::process::CommandExt;
        // Comes back only if it failed; then the run goes on as it is.
        let error = std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(PURGE_DELAY, "0")
            .exec();
        tracing::debug!("cannot start again: {error}");
    }
}
