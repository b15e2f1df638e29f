"""The virtual environment of a script that needs packages: no one installs them by hand."""
import os, subprocess, sys, venv


def restart(folder, packages, error):
    """Installs packages in an environment, which is made if it is missing, and starts the script again in it.

    To be called where an import failed; it does not return. folder: the environment's, outside the project.
    packages: pip's requirements. error: the ImportError.
    """
    if os.environ.get("CARTOONCTL_ENVIRONMENT"):
        sys.exit(f"{folder}: {error}; remove it and run this again")
    python = os.path.join(folder, "bin", "python")
    exists = os.path.exists(python)
    print(f"{'installing in' if exists else 'making'} {folder}: {', '.join(packages)}", file=sys.stderr)
    if not exists:
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    os.execve(python, [python, *sys.argv], dict(os.environ, CARTOONCTL_ENVIRONMENT=folder))
