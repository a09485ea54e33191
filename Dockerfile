# The server as one static binary in an empty image: no shell, no package, no user but the one it runs as. /tmp takes
# uploads of more than 1 MB while they are sent: a read-only container mounts one (--tmpfs /tmp).
#
#   docker build -t gateway .
#   docker run -p 4000:4000 -e LITELLM_MASTER_KEY -v ./config.yaml:/config.yaml:ro --read-only --tmpfs /tmp gateway --config /config.yaml

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# `--target` keeps the flag away from build scripts and macros, which have to be dynamic.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --release --locked --features mimalloc --bin gateway --target "$target" \
 && install -D "target/$target/release/gateway" /out/gateway \
 && install -d -m 1777 /out/tmp

FROM scratch AS image
COPY --from=build /out/ /
USER 65532:65532
EXPOSE 4000
# `health` asks /health/live of the server on this machine; PORT is the one it listens on, too.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/gateway", "health"]
ENTRYPOINT ["/gateway"]
# Without a master key it listens on loopback only, inside the container: give it LITELLM_MASTER_KEY.
CMD ["serve"]
