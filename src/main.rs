//! The `gateway` binary. Everything it does is in [`gateway::cli`], where Python finds it, too.

#[cfg(all(feature = "mimalloc", unix))]
mod allocator;

#[cfg(all(feature = "mimalloc", unix))]
#[global_allocator]
static ALLOCATOR: allocator::Mimalloc = allocator::Mimalloc;

fn main() -> std::process::ExitCode {
    gateway::cli::main(std::env::args_os())
}
