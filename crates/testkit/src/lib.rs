//! What tests share: a slow reference engine, and checks that every engine and model must pass.
