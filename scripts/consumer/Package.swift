// swift-tools-version: 6.2
import PackageDescription

// A program that uses the library as a stranger's would: by a path, or by a version tag of a repository.
let repository = Context.environment["CARTOONCTL_REPOSITORY"]

let package = Package(
    name: "consumer",
    platforms: [.macOS(.v15)],
    dependencies: [
        repository.map { .package(url: $0, from: "0.2.0") } ?? .package(name: "cartoonctl", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "consumer",
            dependencies: [
                .product(name: "TransferLearning", package: "cartoonctl"),
                .product(name: "Imaging", package: "cartoonctl"),
            ])
    ]
)
