// SPDX-License-Identifier: Apache-2.0

package import BatchCoordinator
package import BatchCore
package import BatchFiles
package import BatchStore
import HTTPTypes
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
package import Sealing
import ServiceLifecycle

/// The front desk: the HTTP server with every route.
package struct APIServer: Service {
    private let configuration: APIConfiguration
    private let desk: FrontDesk
    private let logger: Logger
    private let store: Store
    private let bell: EventBell
    private let heldMax: Int
    private let onReady: @Sendable (Int) -> Void

    /// A server that is not listening yet.
    ///
    /// - Parameters:
    ///   - models: names that `/v1/models` lists.
    ///   - held: who answers the requests of Ark's batch chat.
    ///   - tester: sends tests to webhook endpoints.
    ///   - sealingKey: seals their secrets; without it none can be made.
    ///   - modelIsKnown: whether some backend serves a model; Ark's jobs that name another are refused.
    ///   - probe: looks at the files of Ark's jobs before one is made; nil: they are not looked at.
    ///   - onReady: called once with the port, when connections are accepted.
    package init(
        configuration: APIConfiguration, store: Store, vault: any FileVault, receiver: FileReceiver, models: [String],
        limits: Limits, held: HeldRequests, tester: EndpointTester, sealingKey: SealingKey?,
        modelIsKnown: @escaping @Sendable (String) -> Bool = { _ in true }, probe: RemoteProbe? = nil, logger: Logger,
        onReady: @escaping @Sendable (Int) -> Void
    ) {
        self.configuration = configuration
        self.store = store
        self.bell = EventBell(
            consumersMax: configuration.consumersMax, consumersPerProjectMax: configuration.consumersPerProjectMax)
        self.logger = logger
        self.heldMax = held.heldMax
        self.onReady = onReady
        let uploads = Gate(limit: configuration.uploadsMax, waitersMax: configuration.waitersMax)
        let downloads = Gate(limit: configuration.downloadsMax, waitersMax: configuration.waitersMax)
        let sealer = SecretSealer(key: sealingKey)
        let receivers = ReceiverRule { tester.mayReach($0) }
        let download = FileDownload(
            store: store, vault: vault, gate: downloads, placeWait: configuration.placeWait)
        let started = HTTPDate.unixSeconds()
        let pace = CallPace(limits.bailian)
        let shared = Profile.withOpenAIRoutes.flatMap { profile in
            let upload = FileUpload(
                receiver: receiver, profile: profile, limits: limits.of(profile), storage: limits.storage(of: profile),
                records: store, gate: uploads, placeWait: configuration.placeWait)
            let batches = BatchRoutes(
                profile: profile, pace: profile == .bailian ? pace : nil, store: store, limits: limits,
                jsonBytesMax: configuration.jsonBytesMax, sealer: sealer, receivers: receivers)
            let listed = ModelRoutes(pathPrefix: profile.pathPrefix, models: models, created: started)
            return FileRoutes(profile: profile, store: store, upload: upload, download: download).routes
                + batches.routes + listed.routes
        }
        let endpoints = EndpointRoutes(
            store: store, sealer: sealer, tester: tester, receivers: receivers,
            endpointsMax: limits.webhookEndpointsMax,
            jsonBytesMax: configuration.jsonBytesMax)
        let deliveries = DeliveryRoutes(store: store, jsonBytesMax: configuration.jsonBytesMax)
        let events = EventRoutes(store: store, bell: bell)
        let jobs = ArkBatchDesk(
            store: store, limits: limits.ark,
            files: ArkFileCheck(probe: probe, inputBytesMax: limits.of(.ark).inputBytesMax), modelIsKnown: modelIsKnown)
        let health = HealthRoutes(
            store: store, vault: vault, deadline: configuration.readinessDeadline, logger: logger)
        self.desk = FrontDesk(
            table: RouteTable(
                health.routes + shared + endpoints.routes + deliveries.routes + events.routes
                    + Self.ark(store, limits, held, jobs, configuration)),
            keys: KeyRing(trust: configuration.keyTrust, entriesMax: configuration.keysRememberedMax) { digest in
                try await store.findAPIKey(sha256: digest)
            },
            accessKeys: AccessKeyRing(
                store: store, sealingKey: sealingKey, trust: configuration.keyTrust,
                entriesMax: configuration.keysRememberedMax, skewMax: configuration.signatureSkewMax),
            signedBytesMax: configuration.jsonBytesMax, logger: logger)
    }

    /// Ark's control plane and its batch chat.
    private static func ark(
        _ store: Store, _ limits: Limits, _ held: HeldRequests, _ jobs: ArkBatchDesk, _ configuration: APIConfiguration
    ) -> [Route] {
        let keys = TemporaryKeyAction(
            store: store, secondsMax: limits.ark.temporaryKeySecondsMax, countMax: limits.ark.temporaryKeysMax)
        let control = ArkRoutes(
            noteUse: { try await store.noteAccessKeyUse(id: $0) }, actions: jobs.actions + [keys.action])
        let live = LiveRoutes(
            held: held, models: limits.ark.models, endpoints: limits.endpoints,
            bodyBytesMax: configuration.liveBodyBytesMax, depthMax: limits.nestingDepthMax,
            budget: BodyBudget(bytesMax: configuration.liveHeldBytesMax))
        return control.routes + live.routes
    }

    /// Method and path of every route, for tests that must not forget one.
    package var routes: [(method: String, path: String, needs: RouteKey)] {
        desk.table.routes.map { route in
            let needs: RouteKey =
                switch route.access {
                case .open: .nothing
                case .guarded, .held: .apiKey
                case .signed: .signature
                }
            return (route.method.rawValue, route.path, needs)
        }
    }

    /// Consumers of events that wait at this moment, in long polls and streams.
    package var consumersWaiting: Int { bell.count }

    /// Serves until graceful shutdown, then finishes the requests in progress for as long as the drain deadline allows.
    ///
    /// - Throws: when the address cannot be bound.
    package func run() async throws {
        let server = try builder.buildServer(
            configuration: ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port), backlog: Self.backlog,
                availableConnectionsDelegate: .maximum(configuration.connectionsMax + heldMax, logger: logger)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger
        ) { [desk] request, writer, channel in
            try await desk.serve(request, writer, channel)
        } onServerRunning: { [onReady, configuration] channel in
            onReady(channel.localAddress?.port ?? configuration.port)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask { [bell, store, logger] in
                try await withGracefulShutdownHandler {
                    try await bell.listen(to: store, logger: logger)
                } onGracefulShutdown: {
                    bell.close()
                }
            }
            group.addTask { [drainDeadline = configuration.drainDeadline] in
                // Nil means that the wait itself was cancelled: the server has ended by itself.
                guard (try? await gracefulShutdown()) != nil else { return }
                try? await Task.sleep(for: drainDeadline)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Connections that the kernel keeps until they are accepted, if the system allows as many.
    private static let backlog = 4_096

    private var builder: HTTPServerBuilder {
        let configuration = configuration
        let logger = logger
        return .http1(
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    LingerHandler(timeout: configuration.lingerTimeout, bytesMax: configuration.lingerBytesMax),
                    ProtocolFaultHandler(headerBytesMax: configuration.headerBytesMax, logger: logger),
                    BodyPaceHandler(
                        bytesPerSecondMin: configuration.bodyBytesPerSecondMin, window: configuration.bodyRateWindow,
                        deadline: configuration.bodyDeadline),
                    StallHandler(timeout: configuration.responseStallTimeout), HangUpHandler(),
                ], idleTimeout: TimeAmount(configuration.idleTimeout),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: configuration.headerBytesMax, maxHeaderListSize: configuration.headerBytesMax)))
    }
}
