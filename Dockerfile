# segdemo in a container: docker build -t segdemo . && docker run --rm -p 7860:7860 segdemo
# With a GPU: docker build --build-arg TORCH_INDEX= -t segdemo . && docker run --gpus all ...
FROM python:3.12-slim

# PyTorch's own index has wheels for the CPU alone, a tenth of the size; empty: those of PyPI.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Extras to install, such as "onnx smp transformers imaging".
ARG EXTRAS=""

ENV PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

WORKDIR /app
COPY requirements*.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --index-url "$TORCH_INDEX" torch torchvision; \
    fi \
    && pip install --requirement requirements.txt \
    && for extra in $EXTRAS; do pip install --requirement "requirements-$extra.txt"; done

COPY app.py README.md LICENSE ./
COPY segdemo segdemo
COPY weights/*.safetensors weights/

# Nothing outside of /tmp and the home folder is written: the container may be read-only
# (docker run --read-only --tmpfs /tmp --tmpfs /home/segdemo).
RUN useradd --create-home --uid 1000 segdemo
USER segdemo
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 GRADIO_ANALYTICS_ENABLED=False

EXPOSE 7860
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/readyz', timeout=4)"]
# The drain takes up to SEGDEMO_DRAIN_SECONDS: docker stop --time 30.
STOPSIGNAL SIGTERM
CMD ["python", "app.py"]
