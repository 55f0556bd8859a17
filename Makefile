# SPDX-License-Identifier: MIT
# A thin front of meson: every target is one line that can be typed by hand.
#   make            build/planish                     make demo [IMAGE=photo.jpg]   smooth a picture
#   make test       the tests, under five minutes     make test-long   also the slow ones
#   make bench      docs/performance.md, all or PARTS='methods video networks fan training growth'
#   make docs       docs/methods/
#   make results DATASETS='sps/ nks/'                 docs/results.md
#   make training RUNS='sasnet=run/'                  docs/training.md
#   make fan RESULTS=authors/ PHOTOS=photos/         Fan's part of docs/training.md
#   make datasets DATASETS='sps/ nks/'                figures of docs/datasets.md
#   make install [PREFIX=/usr/local] [DESTDIR=...]    make clean, make format
BUILD = build
PREFIX = /usr/local
MESON_OPTIONS =
METHOD = rtv

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || tools/packages.sh build test
	@meson setup $(BUILD) --prefix $(PREFIX) $(MESON_OPTIONS)

packages:
	@tools/packages.sh build test

# Without IMAGE: a procedural scene covered with texture.
demo: packages
	@$(MAKE) --no-print-directory all
	@PLANISH=$(BUILD)/planish tools/demo.sh $(METHOD) "$(IMAGE)"

test: packages
	@$(MAKE) --no-print-directory all
	@meson test -C $(BUILD) --no-rebuild --no-suite long --print-errorlogs

test-long: packages
	@$(MAKE) --no-print-directory all
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs -t 10

# Installs nothing: peers are timed where their libraries are there (tools/packages.sh peers).
bench: all
	@PLANISH=$(BUILD)/planish tools/performance.sh docs/performance.md $(PARTS)

results: all
	@PLANISH=$(BUILD)/planish tools/results.sh docs/results.md $(BUILD)/results $(DATASETS)

datasets: all
	@PLANISH=$(BUILD)/planish LOADER_BENCH=$(BUILD)/bench/loader_bench tools/datasets.sh docs/datasets.md $(DATASETS)

training: all
	@PLANISH=$(BUILD)/planish tools/training.sh docs/training.md $(RUNS)

fan: all
	@PLANISH=$(BUILD)/planish tools/fan.sh docs/training.md $(RESULTS) $(PHOTOS)

docs: all
	@tools/docs.sh $(BUILD)/tools/method_pages $(BUILD)/planish docs/methods

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf $(BUILD)

format:
	@git ls-files '*.c' '*.h' '*.cpp' | xargs clang-format -i

.PHONY: all packages demo test test-long bench results datasets training fan docs install clean format
