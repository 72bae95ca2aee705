/**
 * The x with the least |Ax − y|², by QR decomposition (modified Gram-Schmidt; G. H. Golub, C. F. Van Loan, "Matrix Computations",
 * 5.2.8 and 5.3): the normal equations would square the condition of a matrix whose columns are far apart in size. Undefined if
 * the columns depend on each other, so that many x are equally good.
 */
export function leastSquares(rows: number[][], wanted: number[]): number[] | undefined {
  const width = rows[0]?.length ?? 0;
  const left = [...wanted];
  const directions: number[][] = [];
  const triangle: number[][] = [];
  const projections: number[] = [];
  for (let k = 0; k < width; k++) {
    const column = rows.map((row) => row[k] ?? 0);
    const before = lengthOf(column);
    const alongs = directions.map((direction) => takeOut(column, direction));
    const length = lengthOf(column);
    if (!(length > before * 1e-10)) return undefined;
    const direction = column.map((value) => value / length);
    directions.push(direction);
    triangle.push([...alongs, length]);
    projections.push(takeOut(left, direction));
  }
  return solveBackwards(triangle, projections);
}

/** Subtracts from a vector its part along a direction, in place, and answers how long that part was. */
function takeOut(vector: number[], direction: number[]): number {
  const along = vector.reduce((sum, value, at) => sum + value * (direction[at] ?? 0), 0);
  vector.forEach((value, at) => (vector[at] = value - along * (direction[at] ?? 0)));
  return along;
}

/** `triangle[k]` is the k-th column of an upper triangular matrix, down to its diagonal. */
function solveBackwards(triangle: number[][], wanted: number[]): number[] {
  const solution = new Array<number>(wanted.length).fill(0);
  for (let k = wanted.length - 1; k >= 0; k--) {
    const known = solution.reduce(
      (sum, value, column) => (column > k ? sum + value * (triangle[column]?.[k] ?? 0) : sum),
      0,
    );
    solution[k] = ((wanted[k] ?? 0) - known) / (triangle[k]?.[k] ?? 1);
  }
  return solution;
}

function lengthOf(vector: number[]): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}
