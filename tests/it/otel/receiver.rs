//! A collector as far as a test needs one: it takes OTLP over HTTP and keeps what it was told.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{Histogram, HistogramDataPoint, metric::Data};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::convert::Infallible;
use std::io::Read;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What came: path, headers, body.
type Came = (String, http::HeaderMap, Bytes);

/// The collector.
#[derive(Clone, Default)]
pub struct Receiver {
    came: Arc<Mutex<Vec<Came>>>,
    pub address: String,
}

impl Receiver {
    /// One that listens, and answers unless it is `frozen`.
    pub async fn start(frozen: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            ..Self::default()
        };
        let told = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let told = told.clone();
                let service = service_fn(move |request| {
                    let told = told.clone();
                    async move { Ok::<_, Infallible>(told.take(request, frozen).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        receiver
    }

    async fn take(&self, request: Request<Incoming>, frozen: bool) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = match head.headers.get("content-encoding") {
            Some(_) => unzipped(&body),
            None => body,
        };
        let came = (head.uri.path().to_owned(), head.headers, body);
        self.came.lock().unwrap().push(came);
        if frozen {
            std::future::pending::<()>().await;
        }
        Response::new(Full::default())
    }

    fn bodies(&self, path: &str) -> Vec<Bytes> {
        let came = self.came.lock().unwrap();
        let of_path = came.iter().filter(|(of, ..)| of == path);
        of_path.map(|(.., body)| body.clone()).collect()
    }

    /// Every body, as protobuf.
    pub fn raw(&self) -> Vec<u8> {
        let came = self.came.lock().unwrap();
        came.iter().flat_map(|(.., body)| body.to_vec()).collect()
    }

    /// A header of the requests to this path.
    pub fn header(&self, path: &str, name: &str) -> Option<String> {
        let came = self.came.lock().unwrap();
        let (_, headers, _) = came.iter().find(|(of, ..)| of == path)?;
        Some(headers.get(name)?.to_str().unwrap().to_owned())
    }

    /// The spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.traces()
            .into_iter()
            .flat_map(|request| request.resource_spans)
            .flat_map(|of_resource| of_resource.scope_spans)
            .flat_map(|of_scope| of_scope.spans)
            .collect()
    }

    fn traces(&self) -> Vec<ExportTraceServiceRequest> {
        let decode = |body| ExportTraceServiceRequest::decode(body).unwrap();
        self.bodies("/v1/traces").into_iter().map(decode).collect()
    }

    /// An attribute of the resource that spans are of.
    pub fn resource(&self, name: &str) -> Option<String> {
        let traces = self.traces();
        let resource = traces.first()?.resource_spans.first()?.resource.clone()?;
        attribute(&resource.attributes, name)
    }

    /// The newest points of a histogram.
    pub fn histogram(&self, name: &str) -> Vec<HistogramDataPoint> {
        self.newest(name).map_or_else(Vec::new, |it| it.data_points)
    }

    /// The newest of a histogram.
    pub fn newest(&self, name: &str) -> Option<Histogram> {
        let decode = |body| ExportMetricsServiceRequest::decode(body).unwrap();
        let bodies = self.bodies("/v1/metrics");
        let metrics = bodies
            .into_iter()
            .map(decode)
            .flat_map(|request| request.resource_metrics)
            .flat_map(|of_resource| of_resource.scope_metrics)
            .flat_map(|of_scope| of_scope.metrics);
        let newest = metrics.filter(|metric| metric.name == name).last();
        match newest?.data? {
            Data::Histogram(histogram) => Some(histogram),
            other => panic!("{name} is {other:?}"),
        }
    }
}

fn unzipped(body: &[u8]) -> Bytes {
    let mut whole = Vec::new();
    flate2::read::GzDecoder::new(body)
        .read_to_end(&mut whole)
        .unwrap();
    whole.into()
}

/// An attribute as a text.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    shown(found.value.as_ref()?.value.as_ref()?)
}

fn shown(value: &Value) -> Option<String> {
    Some(match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        Value::ArrayValue(array) => {
            let values = array.values.iter();
            let values = values.filter_map(|value| shown(value.value.as_ref()?));
            values.collect::<Vec<_>>().join(",")
        }
        _ => return None,
    })
}
