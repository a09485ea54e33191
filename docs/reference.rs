//! Writes the pages of the documentation that are tables of the code: providers, configuration keys, routes.
//!
//!     cargo run --example reference -- docs/reference

use gateway::adapt::registry::{Provider, compatible, native, plain};
use gateway::config::keys;
use gateway::config::report::Level;
use gateway::serve::routes::ROUTES;
use std::fmt::Write;
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or("docs/reference".into()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("providers.md"), providers())?;
    std::fs::write(folder.join("keys.md"), configuration())?;
    std::fs::write(folder.join("http-api.md"), routes())
}

fn providers() -> String {
    let mut page = String::from(
        "# Providers\n\nA model is named `provider/model`. The key is looked for in the call, then in these environment \
         variables, the first that is set.\n",
    );
    let built = |row: &&Provider| row.listed && row.adapter.built();
    for (title, rows) in [
        ("With a protocol of their own", native::ROWS),
        (
            "OpenAI's protocol, with habits of their own",
            compatible::ROWS,
        ),
        ("OpenAI's protocol", plain::ROWS),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| provider | key | base URL | base URL from |\n|---|---|---|---|\n"
        );
        for row in rows.iter().filter(built) {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                row.name,
                code(row.key_env),
                code(&[row.base_url]),
                code(row.base_env)
            );
        }
    }
    page.push_str(
        "\n## Known by name only\n\nA call of these says that they are not supported yet: ",
    );
    let unbuilt: Vec<&str> = native::ROWS
        .iter()
        .filter(|row| row.listed && !row.adapter.built())
        .map(|row| row.name)
        .collect();
    let _ = writeln!(page, "{}.", code(&unbuilt));
    page
}

fn configuration() -> String {
    let mut page = String::from(
        "# Every key of the configuration\n\n`gateway check` reports from the same table. *exact*: obeyed as in LiteLLM; \
         *approximated*: obeyed, with the difference that is named; *not supported*: LiteLLM has it, this gateway has not \
         yet, and says so at start.\n",
    );
    let mut last = None;
    for (section, name, known) in keys::all() {
        if last != Some(section) {
            let path = section.path();
            let title = if path.is_empty() { "Top level" } else { path };
            let _ = write!(
                page,
                "\n## {title}\n\n| key | value | here |\n|---|---|---|\n"
            );
            last = Some(section);
        }
        let what = match known.level {
            Level::Exact => "exact".to_owned(),
            Level::Approximated => format!("approximated: {}", known.note),
            _ => format!("not supported: {}", known.note),
        };
        let _ = writeln!(page, "| `{name}` | {} | {what} |", known.kind.words());
    }
    page
}

fn routes() -> String {
    let mut page = String::from(
        "# HTTP API\n\nThe server says the same of itself at `/routes` and `/openapi.json`. A route that is marked takes \
         a key where the server has one.\n\n| method | path | key |\n|---|---|---|\n",
    );
    for route in ROUTES {
        let key = if route.guarded { "yes" } else { "" };
        let _ = writeln!(page, "| {} | `{}` | {key} |", route.methods, route.path);
    }
    page
}

fn code(names: &[&str]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .filter(|name| !name.is_empty())
        .map(|name| format!("`{name}`"))
        .collect();
    quoted.join(", ")
}
