//! `qik graph`: questions about imports, as text, JSON, Graphviz or Mermaid.

use std::fmt::Write;

use qik_session::{Cause, GraphPart, GraphSize, Session, Step};
use serde_json::{Value, json};

use crate::args::{GraphFormat, GraphVerb};
use crate::style::Style;
use crate::{checks, print, refuse};

/// Answers on stdout; the exit code.
pub(crate) fn answer(session: &mut Session, style: &Style, ask: GraphVerb) -> i32 {
    match ask {
        GraphVerb::Build { format } => build(session, format),
        GraphVerb::Deps { module, format } => {
            let found = session.graph_deps(&module);
            show(session, style, found, format)
        }
        GraphVerb::Rdeps { file, format } => {
            let found = session.graph_rdeps(&file);
            show(session, style, found, format)
        }
        GraphVerb::Path { from, to, format } => path(session, style, &from, &to, format),
        GraphVerb::Check { spaces, format } => checks::answer(session, style, &spaces, format),
    }
}

fn build(session: &mut Session, format: GraphFormat) -> i32 {
    if format == GraphFormat::Text {
        return print(&size(&session.build_graph()));
    }
    let imports: Vec<Value> = session
        .direct_imports()
        .into_iter()
        .map(|import| {
            json!({
                "file": import.file.to_string(),
                "line": import.line,
                "module": import.module,
                "internal": import.is_internal,
            })
        })
        .collect();
    print(&format!("{:#}\n", Value::from(imports)))
}

fn size(size: &GraphSize) -> String {
    let mut text = format!(
        "{} files, {} edges, {} components, {} names from outside\n",
        size.files, size.edges, size.components, size.outside
    );
    for file in &size.broken {
        let _ = writeln!(text, "syntax error: {file}");
    }
    text
}

fn show(
    session: &Session,
    style: &Style,
    found: Result<GraphPart, Vec<qik_session::model::Diagnostic>>,
    format: GraphFormat,
) -> i32 {
    match found {
        Ok(part) => print(&rendered(&part, format)),
        Err(errors) => refuse(style, Some(session), &errors),
    }
}

fn rendered(part: &GraphPart, format: GraphFormat) -> String {
    match format {
        GraphFormat::Text => {
            let files = part.files.iter().map(|file| format!("{}\n", file.path));
            files.chain(part.distributions.iter().map(|line| format!("{line}\n"))).collect()
        }
        GraphFormat::Json => as_json(part),
        GraphFormat::Dot => {
            let mut text =
                String::from("digraph imports {\n  rankdir = LR\n  node [shape = box]\n");
            for file in &part.files {
                let _ = writeln!(text, "  {}", quoted(&file.module));
            }
            for (from, to) in &part.edges {
                let (from, to) = (&part.files[*from].module, &part.files[*to].module);
                let _ = writeln!(text, "  {} -> {}", quoted(from), quoted(to));
            }
            text + "}\n"
        }
        GraphFormat::Mermaid => {
            let mut text = String::from("graph LR\n");
            for (at, file) in part.files.iter().enumerate() {
                let _ = writeln!(text, "  n{at}[\"{}\"]", file.module.replace('"', "#quot;"));
            }
            for (from, to) in &part.edges {
                let _ = writeln!(text, "  n{from} --> n{to}");
            }
            text
        }
    }
}

fn as_json(part: &GraphPart) -> String {
    let files: Vec<Value> = part
        .files
        .iter()
        .map(|file| json!({ "path": file.path.to_string(), "module": file.module }))
        .collect();
    let edges: Vec<Value> =
        part.edges.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
    let all = json!({ "files": files, "edges": edges, "distributions": part.distributions });
    format!("{all:#}\n")
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn path(session: &mut Session, style: &Style, from: &str, to: &str, format: GraphFormat) -> i32 {
    match session.graph_path(from, to) {
        Err(errors) => refuse(style, Some(session), &errors),
        Ok(None) => {
            let _ = print(&format!("`{from}` does not need `{to}`\n"));
            1
        }
        Ok(Some((steps, end))) => {
            let end = end.to_string();
            print(&match format {
                GraphFormat::Text => chain(&steps, &end),
                GraphFormat::Json => chain_as_json(&steps, &end),
                GraphFormat::Dot => {
                    let nodes = steps.iter().map(|step| step.file.to_string()).chain([end]);
                    let nodes: Vec<String> = nodes.map(|file| quoted(&file)).collect();
                    format!("digraph path {{\n  {}\n}}\n", nodes.join(" -> "))
                }
                GraphFormat::Mermaid => {
                    let mut text = String::from("graph LR\n");
                    let files = steps.iter().map(|step| step.file.to_string()).chain([end]);
                    for (at, file) in files.enumerate() {
                        let _ = writeln!(text, "  n{at}[\"{file}\"]");
                        if at > 0 {
                            let _ = writeln!(text, "  n{} --> n{at}", at - 1);
                        }
                    }
                    text
                }
            })
        }
    }
}

/// One step a line, with the place that makes it, and the last file.
fn chain(steps: &[Step], end: &str) -> String {
    let mut text = String::new();
    for step in steps {
        let line = step.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = writeln!(text, "{}{line} {}", step.file, verb(step.cause));
    }
    text + end + "\n"
}

fn verb(cause: Cause) -> &'static str {
    match cause {
        Cause::Import(_) | Cause::Setting(_) => "imports",
        Cause::Plugin(_) => "names as a plugin",
        Cause::WholePackage(_) => "loads by a computed name",
        Cause::Package => "lies in",
        Cause::Conftest => "is configured by",
        Cause::Data => "has the data",
        Cause::Link => "is linked to",
    }
}

fn chain_as_json(steps: &[Step], end: &str) -> String {
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "file": step.file.to_string(),
                "line": step.line,
                "how": verb(step.cause),
            })
        })
        .chain([json!({ "file": end, "line": null, "how": null })])
        .collect();
    format!("{:#}\n", Value::from(steps))
}
